"""`make mutants`: applies each sabotage to a copy of the tree, and sees a test go red.

`python tests/mutants WORDS…` runs only those whose description has one of the words. Ends with
status 1 when a sabotage survived, no longer applies, or could not be judged.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sabotages import SABOTAGES, SOURCE, Sabotage

ROOT = Path(__file__).parents[2]
COPIED = ("src", "tests", "examples", "docs", "scripts", "pyproject.toml", "Makefile", "README.md",
          "CHANGELOG.md", "CONTRIBUTING.md", "requirements.lock", "requirements-dev.lock")  # fmt: skip
WITHIN_S = 240
"""A test that hangs counts as red: nobody would merge it. As a rule each takes under a minute."""
FAILED, PASSED = 1, 0
"""What pytest says."""


def main(words: list[str]) -> int:
    """Run them one after the other; prints the table as it grows."""
    chosen = [one for one in SABOTAGES if not words or any(word in one.what for word in words)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = _copy(Path(folder))
        print(f"| {'sabotage':<52} | {'':<8} | {'s':>4} | by |")
        print(f"|{'-' * 54}|{'-' * 10}|{'-' * 6}|{'-' * 4}|")
        found = [_try(one, copy) for one in chosen]
    bad = [word for word in found if word != "red"]
    print(f"\n{len(found) - len(bad)} of {len(found)} are found out.")
    return int(bool(bad))


def _copy(folder: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", ".hypothesis", "*.pyc")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore)
        elif source.exists():
            shutil.copy2(source, folder / name)
    return folder


def _try(one: Sabotage, copy: Path) -> str:
    file = copy / SOURCE / one.file
    healthy = file.read_text(encoding="utf-8")
    if healthy.count(one.old) != 1:
        return _row(one, "STALE", 0, f"{one.file} has it {healthy.count(one.old)} times")
    file.write_text(healthy.replace(one.old, one.new), encoding="utf-8")
    began = time.monotonic()
    try:
        status, by = _run(one, copy)
    finally:
        file.write_text(healthy, encoding="utf-8")
    verdict = {FAILED: "red", PASSED: "SURVIVED"}.get(status, f"ERROR {status}")
    return _row(one, verdict, time.monotonic() - began, by)


def _row(one: Sabotage, verdict: str, spent_s: float, by: str) -> str:
    print(f"| {one.what:<52} | {verdict:<8} | {spent_s:>4.0f} | {by} |", flush=True)
    return verdict


def _run(one: Sabotage, copy: Path) -> tuple[int, str]:
    """pytest's status in the copy, and the first test that failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    path = {"PYTHONPATH": f"{copy / 'src'}", "MAINSTAY_MUTANT": "1"}
    try:
        done = subprocess.run(
            [*command, *shlex.split(one.red)], cwd=copy, env=os.environ | path,
            capture_output=True, text=True, timeout=WITHIN_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return FAILED, "it hangs"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    words = failed[0] if failed else (done.stdout.splitlines() or [done.stderr[-200:]])[-1]
    return done.returncode, words.split(" - ")[0].rpartition("::")[2][:90]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
