"""How long does a diagnosis take when there is much to look at? 50 services, a million lines.

    python tests/bench/diagnosis/large.py [--lines 1000000] [--keep DIR]

Writes one incident of a made-up shop into a folder – a table of 40 metrics for each of 50 services
over two hours, who calls whom, a log file for each service – and asks `mainstay diagnose` about it,
with the options that a person has. A database in the middle gets slow; all that wait for it do too.
Prints the seconds, the CPU seconds and the memory of the whole process, and the answer.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

SERVICES = 50
METRICS = 40
MINUTES = 120
BEGINS = datetime(2026, 3, 1, 10, tzinfo=UTC)
FAILS_AT = 90
"""Minute at which the fault begins."""
CULPRIT = 37
SAID = (
    "INFO order {a} of customer {b} taken in {c} ms",
    "INFO GET /orders/{a} 200 {c} ms",
    "DEBUG cache holds {b} entries, {c} evicted",
    "INFO booked transfer tr_{a} from {b} to {c}",
    "WARN slow call of {c} ms, order {a}",
)
HURT = "ERROR order {a} not taken: no answer after {b} ms"


def name_of(number: int) -> str:
    """Of a service, in the order of the graph."""
    return f"svc{number:02d}"


def callers() -> list[tuple[int, int]]:
    """(caller, callee): a tree of three a service, so that the culprit has a way up to the door."""
    return [((number - 1) // 3, number) for number in range(1, SERVICES)]


def waiting() -> set[int]:
    """The culprit and everyone above it."""
    up = {callee: caller for caller, callee in callers()}
    found, at = {CULPRIT}, CULPRIT
    while at in up:
        at = up[at]
        found.add(at)
    return found


def write(folder: Path, lines: int) -> None:
    """The whole folder, the same for the same number of lines."""
    dice, hurt = random.Random(11), waiting()
    for number in range(SERVICES):
        _metrics(folder / f"metrics-{name_of(number)}.csv", number, number in hurt, dice)
        _log(folder / f"{name_of(number)}.log", lines // SERVICES, number in hurt, dice)
    names = [name_of(number) for number in range(SERVICES)]
    calls = set(callers())
    rows = [",".join(["", *names])]
    for caller, name in enumerate(names):
        cells = [str(int((caller, callee) in calls)) for callee in range(SERVICES)]
        rows.append(",".join([name, *cells]))
    (folder / "calls.csv").write_text("\n".join(rows) + "\n")


def _metrics(file: Path, number: int, hurts: bool, dice: random.Random) -> None:
    name = name_of(number)
    columns = ["latency", "requests", "errors", "cpu", "memory"]
    columns += [f"gauge_{each}" for each in range(METRICS - len(columns))]
    rows = [",".join(["time", *(f"{name}_{column}" for column in columns)])]
    for minute in range(MINUTES):
        bad = hurts and minute >= FAILS_AT
        values = [
            dice.gauss(0.1, 0.005) + (2.0 if bad else 0.0), dice.gauss(500, 20),
            max(0.0, dice.gauss(1, 0.5)), dice.gauss(40, 3), dice.gauss(1e9, 1e7),
        ]  # fmt: skip
        values += [dice.gauss(100, 5) for _ in range(METRICS - len(values))]
        at = (BEGINS + timedelta(minutes=minute)).timestamp()
        rows.append(",".join([f"{at:.0f}", *(f"{value:.4f}" for value in values)]))
    file.write_text("\n".join(rows) + "\n")


def _log(file: Path, lines: int, hurts: bool, dice: random.Random) -> None:
    step = timedelta(minutes=MINUTES) / lines
    with file.open("w") as out:
        for count in range(lines):
            at = BEGINS + step * count
            late = hurts and count * MINUTES >= FAILS_AT * lines and dice.random() < 0.05
            words = (HURT if late else dice.choice(SAID)).format(
                a=dice.getrandbits(32), b=dice.getrandbits(16), c=dice.getrandbits(9)
            )
            out.write(f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z {words}\n")


def main(arguments: Sequence[str]) -> int:
    """Write, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="use this folder; write it if it is empty")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = given.keep or Path(made)
        folder.mkdir(exist_ok=True)
        if not any(folder.iterdir()):
            write(folder, given.lines)
        since = (BEGINS + timedelta(minutes=FAILS_AT)).isoformat()
        program = str(Path(sys.executable).parent / "mainstay")
        begun = time.monotonic()
        done = subprocess.run(
            [program, "diagnose", str(folder), "--at", since, "--symptom", f"{name_of(0)},latency"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        taken = time.monotonic() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(done.stdout or done.stderr)
    print(
        f"{taken:.1f} s, {used.ru_utime + used.ru_stime:.1f} CPU-s, {used.ru_maxrss / 1024:.0f} MiB"
    )
    return 0 if name_of(CULPRIT) in done.stdout else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
