"""A case, how it is asked, and how it is scored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from mainstay.cli import program

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """At which place the truth stood (0: nowhere), and the class of cause, true and answered."""

    rank: int
    words: str
    classes: tuple[str, str] | None = None


@dataclass(frozen=True)
class Case:
    """One incident: how to ask, and how to judge the answer."""

    name: str
    groups: tuple[str, ...]
    judge: Callable[[], Outcome]


@dataclass
class Scores:
    """The outcomes of a group."""

    ranks: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome, took_s: float) -> None:
        """One more case."""
        self.ranks.append(outcome.rank)
        self.seconds.append(took_s)

    def at(self, place: int) -> float:
        """The share of cases whose truth is among the first `place` answers."""
        return sum(0 < rank <= place for rank in self.ranks) / len(self.ranks)

    @property
    def mean_s(self) -> float:
        """Seconds a case."""
        return sum(self.seconds) / len(self.seconds)


def ask(folder: Path, *options: str) -> Answer:
    """What `mainstay diagnose FOLDER … --json` answers."""
    result = CliRunner().invoke(
        program(), ["diagnose", str(folder), "--json", *options], catch_exceptions=False
    )
    if result.exit_code:
        raise SystemExit(f"{folder}: {result.output}")
    answer: Answer = json.loads(result.output)
    return answer


def place_of(wanted: object, answers: Sequence[object]) -> int:
    """1 for the first, 0 for none; each answer counts once."""
    distinct = list(dict.fromkeys(answers))
    return distinct.index(wanted) + 1 if wanted in distinct else 0


def first_words(answer: Answer) -> str:
    """The first three hypotheses, for whoever looks at what went wrong."""
    rows = answer["hypotheses"][:3]
    return "; ".join(f"{r['where']} {r['kind']} {r['score']:.2f}" for r in rows) or "nothing"


def class_said(answer: Answer) -> str:
    """The class of cause of the first hypothesis."""
    return str(answer["hypotheses"][0]["class"]) if answer["hypotheses"] else "none"
