"""RCD's Sock Shop (Ikram et al., 2022): rank metrics, given a normal and an anomalous stretch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cases import Case, Outcome, ask, first_words, place_of

METRICS = {"cpu-growth": "cpu", "memory-growth": "mem"}


def cases(data: Path) -> Iterator[Case]:
    """Every run of every service and fault."""
    for run in sorted((data / "rcd" / "sock-shop-data").glob("*/*/anomalous.csv")):
        service, _, fault = run.parts[-3].rpartition("-")
        name = "rcd/" + "/".join(run.parts[-3:-1])
        yield Case(name, (fault,), lambda f=run.parent, w=(service, fault): _judge(f, w))


def _judge(folder: Path, wanted: tuple[str, str]) -> Outcome:
    answer = ask(folder)
    found = [(one["where"], METRICS.get(one["kind"], one["kind"])) for one in answer["hypotheses"]]
    return Outcome(place_of(wanted, found), first_words(answer))
