"""The floor's twenty, as `mainstay diagnose` names them out of what `mainstay simulate` plays.

    python tests/bench/diagnosis/floor.py --seeds 101-120 [--mixtures 60] [FAULT …]

A case counts when the first hypothesis is the fault that was played, at its place and of its class;
in a mixture of two, when both are among the first three. Days without a fault count when no cause
is found. Both commands are asked through their door; the truth is read here alone, afterwards.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

from cases import Answer, ask
from click.testing import CliRunner

from mainstay.cli import program
from mainstay.simulation import FAULTS

KINDS = {
    "firewall-or-dns": ("firewall-change", "dns-change"),
    "calendar-mistake": ("holiday-mistake", "daylight-saving-mistake"),
}
"""Faults with two variants, which a diagnosis tells apart."""
AMONG = {1: 1, 2: 3}
"""Faults at a time → among how many hypotheses each must be."""
QUIET_DAYS = 2
"""Days without a fault, for each seed."""


def main(arguments: Sequence[str]) -> int:
    """Play and ask every case, print the table."""
    options = _options(arguments)
    low, _, high = options.seeds.partition("-")
    seeds = range(int(low), int(high or low) + 1)
    print(f"{'fault':<34}{'n':>5}{'right':>8}{'s/case':>9}")
    for fault in options.faults or FAULTS:
        _row(fault, [((fault,), seed) for seed in seeds], options.verbose)
    if not options.faults:
        quiet = [((), seed) for seed in range(seeds[0], seeds[0] + QUIET_DAYS * len(seeds))]
        _row("no fault: no cause found", quiet, options.verbose)
        _row("two at a time, each in the first 3",
             list(_mixtures(options.mixtures, seeds[0])), options.verbose)  # fmt: skip
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", default="1-5", metavar="FROM-TO")
    parser.add_argument("--mixtures", type=int, default=40, help="how many pairs of faults")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("faults", nargs="*", metavar="FAULT", choices=[[], *FAULTS])
    return parser.parse_args(arguments)


def _mixtures(count: int, seed: int) -> Iterator[tuple[tuple[str, ...], int]]:
    pairs = list(combinations(FAULTS, 2))
    for place, pair in enumerate(Random(seed).sample(pairs, min(count, len(pairs)))):
        yield pair, seed + place


def _row(name: str, cases: Sequence[tuple[tuple[str, ...], int]], verbose: bool) -> None:
    right, took_s = 0, 0.0
    for faults, seed in cases:
        good, seconds, said = _judged(faults, seed)
        right, took_s = right + good, took_s + seconds
        if verbose and not good:
            print(f"  {' + '.join(faults) or 'no fault'}, seed {seed}: {said}", flush=True)
    if cases:
        print(f"{name:<34}{len(cases):>5}{right / len(cases):>8.3f}{took_s / len(cases):>9.2f}",
              flush=True)  # fmt: skip


def _judged(faults: Sequence[str], seed: int) -> tuple[bool, float, str]:
    with tempfile.TemporaryDirectory() as top:
        folder, truth = Path(top) / "sent", Path(top) / "truth.json"
        wanted = [word for fault in faults for word in ("--fault", fault)]
        played = CliRunner().invoke(
            program(),
            ["simulate", *wanted, "--seed", str(seed), "--to", str(folder), "--truth", str(truth)],
            catch_exceptions=False,
        )
        if played.exit_code:
            raise SystemExit(played.output)
        start = time.perf_counter()
        answer = ask(folder)
        took_s = time.perf_counter() - start
        truths = json.loads(truth.read_text(encoding="utf-8"))["faults"]
    said = "; ".join(f"{h['where']} {h['kind']} {h['score']:.2f}" for h in answer["hypotheses"][:3])
    if not truths:
        return not answer["found"], took_s, said
    return all(_named(one, answer, AMONG[len(truths)]) for one in truths), took_s, said


def _named(truth: Mapping[str, Any], answer: Answer, among: int) -> bool:
    kinds = KINDS.get(truth["fault"], (truth["fault"],))
    return any(
        one["kind"] in kinds
        and one["class"] == truth["cause_class"]
        and (one["where"] in truth["where"] or one["detail"] in truth["where"])
        for one in answer["hypotheses"][:among]
        if one["verdict"] != "ruled out"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
