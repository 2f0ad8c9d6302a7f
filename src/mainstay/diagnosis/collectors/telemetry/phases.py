"""A question's time cut into usual, before and during."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.material import Measure, Phase, Points, Series

BEFORE_MIN = timedelta(minutes=15)
"""The stretch just before an incident is as long as the incident, and this at least."""
NOTICED_AFTER = timedelta(minutes=2)
"""Whoever alerts or reports has seen it for a while: what a scrape or a person takes to notice."""


def during_from(question: Question) -> datetime:
    """Where what belongs to the incident begins: a little before somebody said so."""
    return max(question.usual_from, question.since - NOTICED_AFTER)


def before_from(question: Question) -> datetime:
    """Where the stretch just before the incident begins."""
    since = during_from(question)
    return max(question.usual_from, since - max(question.until - since, BEFORE_MIN))


def cut(where: str, name: str, measure: Measure, points: Points, question: Question) -> Series:
    """One series in its three stretches."""
    start, since = before_from(question).timestamp(), during_from(question).timestamp()
    return Series(
        where, name, measure,
        usual=_between(points, 0.0, start),
        before=_between(points, start, since),
        during=_between(points, since, question.until.timestamp() + 1),
    )  # fmt: skip


def phase_of(at_s: float, question: Question) -> Phase:
    """To which stretch an instant belongs."""
    if at_s >= during_from(question).timestamp():
        return Phase.DURING
    return Phase.BEFORE if at_s >= before_from(question).timestamp() else Phase.USUAL


def _between(points: Sequence[tuple[float, float]], first: float, until: float) -> Points:
    return tuple(point for point in points if first <= point[0] < until)
