#!/bin/sh
# Lets the user `platform` use the host's docker socket, then runs the server as that user.
set -eu

user=platform
socket=${DOCKER_SOCKET:-/var/run/docker.sock}

if [ -S "$socket" ]; then
    gid=$(stat -c %g "$socket")
    group=$(getent group "$gid" | cut -d: -f1)
    if [ -z "$group" ]; then
        group=docker-host
        addgroup -g "$gid" "$group"
    fi
    addgroup "$user" "$group"
fi

exec su-exec "$user" "$@"
