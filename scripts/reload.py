"""Run a command, and run it again whenever a file under src/ or examples/ changes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDERS = ("src", "examples")
LOOK_EVERY_S = 0.5
STOP_WITHIN_S = 10


def main(command: list[str]) -> None:
    """Until Ctrl-C: start `command`, and start it anew after each change."""
    seen = newest()
    process = subprocess.Popen(command)
    try:
        while True:
            time.sleep(LOOK_EVERY_S)
            now = newest()
            if now != seen:
                seen = now
                print("— a file changed: starting again —", flush=True)
                stop(process)
                process = subprocess.Popen(command)
    except KeyboardInterrupt:
        stop(process)


def newest() -> tuple[int, int]:
    """How many files there are and when the youngest was written."""
    files = [f for d in FOLDERS for f in Path(d).rglob("*") if "__pycache__" not in f.parts]
    times = [file.stat().st_mtime_ns for file in files if file.is_file()]
    return len(times), max(times, default=0)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and end it if it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
