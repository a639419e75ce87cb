#!/bin/bash
# A workspace for shell work: keeps a checkout up to date and says what changed.
set -euo pipefail

cd "${WORKSPACE:-/workspace}"
while true; do
    if [ -d .git ]; then
        git fetch --quiet --all || echo "fetch failed" >&2
        git log --oneline -n 5 | jq --raw-input --compact-output '{commit: .}'
    fi
    sleep "${INTERVAL:-60}"
done
