"""How often is the first answer of `mainstay diagnose` right? Public incidents, one table each.

    python tests/bench/diagnosis/run.py --data DIR [--cases FILE] [--verbose] [SET …]

DIR holds the sets as their publishers lay them out (petshop, rcd, cloudops, nezha, rcbench). FILE
names cases, one a line, as this program prints them with --verbose (`petshop/low_traffic/test/
issue_9`); without it, every case that is found is asked. Every case goes through the command line
with the same options that a person has; the labels are read here alone, afterwards. One
configuration serves all sets. Ties are broken by name; each figure says its n.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cloudops
import nezha
import normal
import petshop
import rcbench
import rcd
from cases import Case, Scores

SETS = {
    "petshop": petshop, "rcd": rcd, "cloudops": cloudops, "nezha": nezha, "rcbench": rcbench,
    "normal": normal,
}  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Ask every case, print a table for each set."""
    options = _options(arguments)
    wanted = set(options.cases.read_text().split()) if options.cases else None
    classes: list[tuple[str, str]] = []
    for name in options.sets or SETS:
        cases = [c for c in SETS[name].cases(options.data) if not wanted or c.name in wanted]
        if cases:
            _print(name, _asked(cases, options.verbose, classes))
    if classes:
        print(f"\nclass of cause, pooled: macro F1 {macro_f1(classes):.3f}, n {len(classes)}")
        for name in sorted({truth for truth, _ in classes}):
            print(f"  {name}: n {sum(truth == name for truth, _ in classes)}")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("sets", nargs="*", metavar="SET", choices=[[], *SETS])
    return parser.parse_args(arguments)


def _asked(
    cases: Sequence[Case], verbose: bool, classes: list[tuple[str, str]]
) -> dict[str, Scores]:
    groups: dict[str, Scores] = defaultdict(Scores)
    for case in cases:
        start = time.perf_counter()
        outcome = case.judge()
        took_s = time.perf_counter() - start
        if outcome.classes:
            classes.append(outcome.classes)
        for group in case.groups:
            groups[group].add(outcome, took_s)
        if verbose and outcome.rank != 1:
            print(f"  {case.name}: rank {outcome.rank or '–'}; {outcome.words}", flush=True)
    return groups


def _print(name: str, groups: dict[str, Scores]) -> None:
    print(f"\n{name:<34}{'n':>5}{'@1':>8}{'@3':>8}{'@5':>8}{'s/case':>9}")
    for group, scores in sorted(groups.items()):
        at = "".join(f"{scores.at(k):>8.3f}" for k in (1, 3, 5))
        print(f"{group:<34}{len(scores.ranks):>5}{at}{scores.mean_s:>9.2f}", flush=True)


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Mean F1 over the classes that occur as truth; pairs of (truth, answer)."""
    scores = []
    for name in sorted({truth for truth, _ in pairs}):
        hits = sum(t == a == name for t, a in pairs)
        said = sum(a == name for _, a in pairs)
        were = sum(t == name for t, _ in pairs)
        scores.append(2 * hits / (said + were) if said + were else 0.0)
    return sum(scores) / len(scores)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
