"""A workspace for Python work: runs the checks of a checkout and prints what came of them."""

import json
import os
import subprocess
import sys
import time

WORKSPACE = os.environ.get("WORKSPACE", "/workspace")


def run(*command: str) -> dict:
    """Runs a command in the workspace and returns its outcome."""
    done = subprocess.run(command, cwd=WORKSPACE, capture_output=True, text=True, check=False)
    return {"command": command, "status": done.returncode, "output": done.stdout[-2000:]}


def main() -> int:
    interval = float(os.environ.get("INTERVAL", "60"))
    while True:
        print(json.dumps(run("git", "status", "--short")), flush=True)
        print(json.dumps(run("python3", "-m", "unittest", "discover")), flush=True)
        time.sleep(interval)


if __name__ == "__main__":
    sys.exit(main())
