"""Windows without a fault, given as incidents: the right answer is that there is no cause."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cases import Case, Outcome, ask, first_words

EVERY = 10
"""Every tenth window of PetShop's fault-free days."""
BEFORE, DURING = 1, 4
"""Rows before and during, as in PetShop's issues."""


def cases(data: Path) -> Iterator[Case]:
    """PetShop's days without an issue, cut; and RCD's normal runs, in two halves."""
    for file in sorted((data / "petshop" / "dataset").glob("*/noissue/metrics.csv")):
        times = [row[0] for row in _rows(file)[3:] if row[0] != "unix_timestamp"]
        for at in range(BEFORE, len(times) - DURING, EVERY):
            for metric in ("latency", "availability"):
                name = f"normal/petshop/{file.parts[-3]}/{at}/{metric}"
                yield Case(name, ("PetShop",), lambda f=file, a=at, m=metric: _petshop(f, a, m))
    for file in sorted((data / "rcd" / "sock-shop-data").glob("*/*/normal.csv")):
        name = "normal/rcd/" + "/".join(file.parts[-3:-1])
        yield Case(name, ("RCD",), lambda f=file: _rcd(f))


def _petshop(file: Path, at: int, metric: str) -> Outcome:
    rows = [row for row in _rows(file) if row[0] != "unix_timestamp"]
    head, body = rows[:3], rows[3:]
    window = body[at - BEFORE : at + DURING]
    rest = body[: at - BEFORE] + body[at + DURING :]
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder) / "seen" / "metrics.csv", head + window)
        _write(Path(folder) / "noissue" / "metrics.csv", head + rest)
        return _none(
            ask(
                Path(folder) / "seen",
                "--at", str(float(body[at][0]) + 1),
                "--symptom", f"PetSite,{metric}",
                "--calls", str(file.parents[1] / "graph.csv"),
                "--baseline", str(Path(folder) / "noissue"),
            )
        )  # fmt: skip


def _rcd(file: Path) -> Outcome:
    head, *body = _rows(file)
    half = len(body) // 2
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder) / "normal.csv", [head, *body[:half]])
        _write(Path(folder) / "anomalous.csv", [head, *body[half:]])
        return _none(ask(Path(folder)))


def _none(answer) -> Outcome:  # type: ignore[no-untyped-def]
    return Outcome(0 if answer["found"] else 1, first_words(answer))


def _rows(file: Path) -> list[list[str]]:
    with file.open(newline="") as text:
        return list(csv.reader(text))


def _write(file: Path, rows: Sequence[Sequence[str]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as text:
        csv.writer(text).writerows(rows)
