"""How well templates of labelled logs are found, one configuration for all systems.

    .venv/bin/python tests/bench/templates.py --data DIR [--show SYSTEM]

`DIR` holds one folder for each system with `*_structured*.csv` (LogHub's layout: columns Content,
EventTemplate). GA and PA count lines, FGA and FTA templates (the F1 of groups that are exactly
right, and of those whose text is too); a text is right when it is the same, sign by sign.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path
from time import process_time

from mainstay.telemetry.logs import mask, mine


def main() -> None:
    """Print a row for each system, and their mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", help="of this system, every template that is not as labelled")
    given = parser.parse_args()
    files = sorted(given.data.rglob("*_structured*.csv"))
    if not files:
        parser.error(f"there is no *_structured*.csv below {given.data}")
    print(f"{'system':<12} {'n':>7}  GA    PA    FGA   FTA   ours theirs  lines/s")
    rows = [row(file, show=given.show) for file in files]
    means = [sum(one[at] for one in rows) / len(rows) for at in range(4)]
    print(f"{'mean':<12} {len(rows):>7}  " + "  ".join(f"{one:.3f}"[1:].rjust(4) for one in means))


def row(file: Path, *, show: str | None) -> tuple[float, float, float, float]:
    """The scores of one system, printed."""
    with file.open(encoding="utf-8", errors="replace", newline="") as opened:
        labelled = [(one["Content"], one["EventTemplate"]) for one in csv.DictReader(opened)]
    begun = process_time()
    masked = [mask(content) for content, _ in labelled]
    texts = mine(dict.fromkeys(masked))
    found = [texts[one] for one in masked]
    took = process_time() - begun
    wanted = [template for _, template in labelled]
    scores = score(found, wanted)
    told = "  ".join(f"{one:.3f}" for one in scores)
    system = file.name.split("_")[0]
    print(f"{system:<12} {len(found):>7}  {told}  {len(set(found)):>4} {len(set(wanted)):>6} "
          f"{len(found) / took:>8,.0f}")  # fmt: skip
    if show == system:
        for ours, theirs in dict.fromkeys(zip(found, wanted, strict=True)):
            if ours != theirs:
                print(f"    ours   {ours}\n    theirs {theirs}")
    return scores


def score(found: Sequence[str], wanted: Sequence[str]) -> tuple[float, float, float, float]:
    """GA, PA, FGA, FTA."""
    ours, theirs = _groups(found), _groups(wanted)
    right = {frozenset(one) for one in theirs.values()}
    exact = [one for one in ours.values() if frozenset(one) in right]
    texts = sum({wanted[at] for at in lines} == {text} for text, lines in ours.items())
    both = len(ours) + len(theirs)
    lines = sum(a == b for a, b in zip(found, wanted, strict=True))
    return (sum(map(len, exact)) / len(found), lines / len(found),
            2 * len(exact) / both, 2 * texts / both)  # fmt: skip


def _groups(labels: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for at, label in enumerate(labels):
        groups[label].append(at)
    return groups


if __name__ == "__main__":
    main()
