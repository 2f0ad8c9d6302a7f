"""Log files side by side with the tools that people use, in one run: CPU seconds and lines.

    .venv/bin/python tests/bench/logs.py FILE [--drain PYTHON] [--rounds 3]

FILE: a large log in order of time (`make_log` writes one: --make MIB). `rg` is taken from PATH;
`--drain`: an interpreter that has Drain3. Both are left out, and said so, where they are missing.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

LINES = 1_000_000
TEXT = "connection pool exhausted"
MINED = """
import sys, time
from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction as M
from drain3.template_miner_config import TemplateMinerConfig
c = TemplateMinerConfig()
c.masking_instructions = [M(r"(?<![A-Za-z0-9])(\\d{1,3}\\.){3}\\d{1,3}(:\\d+)?", "IP"),
    M(r"(?<![A-Za-z0-9])(0x)?[0-9a-f]{8,}(?![A-Za-z0-9])", "HEX"),
    M(r"(?<![A-Za-z0-9])[-+]?\\d+(?![A-Za-z0-9])", "NUM")]
m, n = TemplateMiner(config=c), 0
for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
    m.add_log_message(line.split(": ", 1)[-1].rstrip()); n += 1
print(len(m.drain.clusters), "templates")
"""
SAID = (
    ("INFO", "shop.pay", "order {a} of customer {b} paid in {c} ms"),
    ("INFO", "shop.web", "GET /orders/{a} HTTP/1.1 status: 200 len: {b} time: 0.{c}"),
    ("DEBUG", "shop.cache", "evicted {c} entries, {b} left, key order:{a}:{b}"),
    ("INFO", "shop.ledger", "booked transfer tr_{a} from account {b} to {c}"),
    ("WARN", "shop.db", "slow query took {c} ms: select from orders where id = {a}"),
    ("INFO", "shop.auth", "user u{b} signed in from 10.{d}.{d}.{d} port {c}"),
    ("ERROR", "shop.db", "connection pool exhausted: {c} waiting, id 0x{a:x}"),
    ("INFO", "shop.queue", "Received block blk_{a} of size {b} from /10.{d}.1.{d}"),
)
OFTEN = (20, 20, 8, 15, 2, 6, 0.2, 20)


def make_log(path: Path, mib: int) -> None:
    """Three days of a shop's log in order of time, the same for the same size."""
    dice = random.Random(7)
    at, step = datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=3) / (mib * (1 << 20) / 110)
    left = mib << 20
    with path.open("w", encoding="utf-8") as file:
        while left > 0:
            lines = []
            for level, source, words in dice.choices(SAID, OFTEN, k=10_000):
                at += step
                text = words.format(a=dice.getrandbits(40), b=dice.getrandbits(20),
                                    c=dice.getrandbits(10), d=dice.getrandbits(7))  # fmt: skip
                stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
                lines.append(
                    f"{stamp} host-{dice.getrandbits(6):02d} {level} {source}[7]: {text}\n"
                )
            block = "".join(lines)
            left -= len(block)
            file.write(block)


def cpu(command: Sequence[str], rounds: int) -> tuple[float, str]:
    """(median CPU seconds of the whole process, the last line that it printed)."""
    taken, said = [], ""
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        said = (done.stdout.strip() or done.stderr.strip()).split("\n")[-1]
    return statistics.median(taken), said


def tell(what: str, ours: Sequence[str], theirs: Sequence[str] | None, rounds: int) -> None:
    """One comparison, printed."""
    mine, said = cpu(ours, rounds)
    words = f"{what:<34} ours {mine:7.3f} CPU-s  ({said})"
    if theirs is not None:
        other, told = cpu(theirs, rounds)
        words += f"\n{'':<34} peer {other:7.3f} CPU-s  ({told})  peer ÷ ours {other / mine:.2f}"
    print(words, flush=True)


def main() -> None:
    """Run what can be run here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--make", type=int, metavar="MIB", help="write FILE anew first")
    parser.add_argument("--drain", help="an interpreter with Drain3")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--text", default=TEXT)
    given = parser.parse_args()
    if given.make:
        make_log(given.file, given.make)
    logs = [str(Path(sys.executable).parent / "mainstay"), "logs"]
    file, rg = str(given.file), shutil.which("rg")
    if not rg:
        print("rg is not here: ours alone")
    with given.file.open("rb") as opened:
        day = opened.readline()[:10].decode()
    head = given.file.with_suffix(".million")
    with given.file.open("rb") as whole, head.open("wb") as part:
        part.writelines(line for line, _ in zip(whole, range(LINES), strict=False))
    drain = [given.drain, "-c", MINED, str(head)] if given.drain else None
    tell("templates of a million lines", [*logs, "templates", str(head)], drain, given.rounds)
    head.unlink()
    tell("a text in the whole file", [*logs, "search", "-c", given.text, file],
         [rg, "-c", "-F", given.text, file] if rg else None, given.rounds)  # fmt: skip
    stretch = [f"{day}T10:00:00Z", "--until", f"{day}T12:00:00Z"]
    tell("two hours, error and worse",
         [*logs, "search", "-c", "", file, "--level", "error", "--since", *stretch],
         [rg, "-c", rf"^{day}T1[01]:\S+ \S+ (ERROR|FATAL) ", file] if rg else None, given.rounds)  # fmt: skip


if __name__ == "__main__":
    main()
