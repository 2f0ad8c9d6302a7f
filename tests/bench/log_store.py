"""How fast logs are kept while they are searched, and what a question costs afterwards.

    .venv/bin/python tests/bench/log_store.py FILE [--lines N]

FILE: a log (tests/bench/logs.py --make writes one). One thread blanks, reads and appends its lines,
each block of a MiB on the disk before the next; one packs; one searches all the while.
"""

from __future__ import annotations

import argparse
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time, sleep, thread_time, time

from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.errors import OverLimit
from mainstay.telemetry.files import Reading, blocks
from mainstay.telemetry.logs import Layouts
from mainstay.telemetry.store import Blanks, Kept, Wanted, recorded


def main() -> None:
    """Keep a file's lines, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--text", default="exhausted")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        store, over, searches = Kept(Path(folder)), threading.Event(), [0.0]

        def pack() -> None:
            while not over.is_set():
                store.pack(now_us=0)
                over.wait(0.1)

        def search() -> None:
            while not over.wait(0.5):
                begun = time()
                store.count(Wanted(text=given.text))
                searches.append(time() - begun)

        threads = [threading.Thread(target=one) for one in (pack, search)]
        for one in threads:
            one.start()
        begun, cpu = time(), process_time()
        lines, own = fill(store, given.file, given.lines)
        wall, cpu = time() - begun, process_time() - cpu
        over.set()
        for one in threads:
            one.join()
        print(f"{lines:,} lines kept: {lines / wall:,.0f} a second, {lines / own:,.0f} a CPU second of "
              f"the thread, {cpu:.1f} CPU-s in all; {len(searches) - 1} searches meanwhile, the slowest {max(searches):.2f} s")  # fmt: skip
        store.pack(now_us=0, everything=True)
        print(f"{given.file.stat().st_size >> 20} MiB of lines take {store.size_bytes() >> 20} MiB")
        ask(store, given.text)
        store.close()


def fill(store: Kept, path: Path, lines_max: int) -> tuple[int, float]:
    """(lines kept, CPU seconds of this thread)."""
    make = recorded(Layouts(now=datetime.now(UTC), zone=UTC), service="shop")
    blanks, kept, begun = Blanks(), 0, thread_time()
    with path.open("rb", buffering=0) as file:
        for block in blocks(str(path), file, Reading()):
            records = make(blanks.block(block), received_us=0)
            while True:
                try:
                    kept += store.append(records, now_us=0)
                    break
                except OverLimit:
                    sleep(0.05)
            if kept >= lines_max:
                break
    return kept, thread_time() - begun


def ask(store: Kept, text: str) -> None:
    """A stretch of two hours in the middle, and a text in everything."""
    first, last = store.services()["shop"][1:]
    middle = from_us((first + last) // 2)
    stretch = Wanted(rank=4, since_us=to_us(middle), until_us=to_us(middle + timedelta(hours=2)))
    for name, wanted in (("two hours, error and worse", stretch), ("a text", Wanted(text=text))):
        begun = process_time()
        found = store.count(wanted)
        print(f"{name}: {found:,} records in {process_time() - begun:.3f} CPU-s")


if __name__ == "__main__":
    main()
