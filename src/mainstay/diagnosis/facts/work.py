"""What people and pipelines do: settings, reruns, calendars, releases, agreed windows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import timedelta

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.facts.fact import Fact, FactKind
from mainstay.diagnosis.facts.look import OBSERVED, USUAL, Look, figure, hypothesis, time, word
from mainstay.diagnosis.material import Phase
from mainstay.diagnosis.traces.span import Line

RELEASE_REACH = timedelta(minutes=60)
"""A release shows its bug soon, or when it is first used; after an hour others are as suspect."""
_IN_CODE = re.compile(
    r"NullPointer|IndexOutOfBounds|ClassCast|IllegalState|NoSuchMethod|NoSuchField|ArithmeticException"
    r"|StackOverflow|UnsupportedOperation|TypeError|KeyError|AttributeError|IndexError|NameError"
    r"|AssertionError|ZeroDivision|undefined is not|nil pointer|panic:|segfault|unwrap\(\)"
)
"""Exceptions that only code makes."""
QUIET = ("INFO", "DEBUG", "TRACE")
_STRAY_MAX = 3
"""So few lines of it before the release are another bug."""


def differing_settings(look: Look) -> Iterator[Hypothesis]:
    """One setting, several values on the nodes of one service; what tells nodes apart differs always."""
    nodes: dict[tuple[str, str], list[tuple[Fact, Fact | None]]] = {}
    for one, was in look.pairs(FactKind.SETTING):
        nodes.setdefault((one.where.partition("@")[0], one.name), []).append((one, was))
    for (service, name), pairs in sorted(nodes.items()):
        counts = Counter(str(one.values.get("value")) for one, _ in pairs)
        before = {str(was.values.get("value")) for _, was in pairs if was}
        if len(counts) < 2 or (len(pairs) > 2 and len(counts) == len(pairs)):
            continue
        usual = len(before) > 1
        rare, most = counts.most_common()[-1][0], counts.most_common()[0][0]
        odd = next(one for one, _ in pairs if str(one.values.get("value")) == rare)
        yield hypothesis(
            odd, "config-differs", CauseClass.CONFIGURATION,
            f"{name} differs between the nodes of {service}: {odd.where} has {rare}, others have {most}.",
            where=service if "@" in odd.where else odd.where,
            says=f"{odd.where}: {rare}; {counts[most]} others: {most}.", score=USUAL if usual else OBSERVED,
            since=look.first(odd, "value", odd.values.get("value")),
            more=[] if usual else [Evidence("Before the incident all had one value.")],
            against=[Evidence("It differed before the incident as well.")] if usual else [],
            confirm=f"Compare the configuration of {odd.where} with its neighbours', and what was rolled out to it.",
        )  # fmt: skip


def jobs_rerun_twice(look: Look) -> Iterator[Hypothesis]:
    """More than one rerun of the same failed run was completed."""
    done: dict[tuple[str, str, str], dict[str, Fact]] = {}
    for one in look.all(FactKind.JOB):
        if word(one, "rerun_of") and word(one, "state") in ("ok", "running"):
            done.setdefault((one.where, one.name, word(one, "rerun_of")), {})[word(one, "run")] = (
                one
            )
    for (_, name, failed), runs in sorted(done.items()):
        last = list(runs.values())[-1]
        if len(runs) < 2:
            continue
        fresh = (last.at or look.since) >= look.since - timedelta(minutes=15)
        yield hypothesis(
            last, "job-rerun-twice", CauseClass.DATA, f"{name} was run again {len(runs)} times after {failed} had failed: its work is done twice.",
            says=f"{' and '.join(sorted(runs))} were both reruns of {failed}.", score=OBSERVED if fresh else USUAL,
            confirm=f"What {' and '.join(sorted(runs))} booked, side by side; undo one.",
        )  # fmt: skip


def calendar_mistakes(look: Look) -> Iterator[Hypothesis]:
    """One system has another calendar, or another hour, than its peers."""
    pairs = list(look.pairs(FactKind.CALENDAR))
    for key, kind, what in (
        ("business_day", "holiday-mistake", "takes {day} for {is_} business day"),
        ("utc_offset_s", "daylight-saving-mistake", "is {hours:+.0f} h from its peers"),
    ):
        values = Counter(one.values.get(key) for one, _ in pairs if key in one.values)
        if len(values) < 2 or len(pairs) < 3:
            continue
        most = values.most_common(1)[0][0]
        usual_before = Counter(was.values.get(key) for _, was in pairs if was and key in was.values)
        for one, was in pairs:
            mine = one.values.get(key)
            if mine == most or mine is None:
                continue
            hours = (figure(one, key) - float(most or 0)) / 3600
            lived_with = key == "utc_offset_s" and was is not None and len(usual_before) > 1
            yield hypothesis(
                one, kind, CauseClass.CONFIGURATION,
                f"{one.where} {what.format(day=word(one, 'day'), is_='a' if mine is True else 'no', hours=hours)}.",
                says=f"{key}: {mine} here, {most} on {values[most]} others.", score=USUAL if lived_with else OBSERVED,
                against=[Evidence("It was so before the incident.")] if lived_with else [],
                since=look.since,
                confirm=f"The calendar and the time zone data that {one.where} uses, and their version.",
            )  # fmt: skip


def bad_releases(look: Look) -> Iterator[Hypothesis]:
    """Exceptions that only code makes, in what was released shortly before, and not before that."""
    thrown = _thrown(look)
    for change in look.all(FactKind.CHANGE) if thrown else ():
        at = change.at
        if (
            at is None
            or not at - RELEASE_REACH <= look.since <= at + RELEASE_REACH
            or not _is_release(change)
        ):
            continue
        lines = [line for line in thrown if change.where in (line.origin, line.where)]
        after = [line for line in lines if line.at_s >= at.timestamp()]
        if len(after) <= _STRAY_MAX or len(lines) - len(after) > _STRAY_MAX:
            continue
        version = f" {word(change, 'version')}" if word(change, "version") else ""
        yield hypothesis(
            change, "bad-release", CauseClass.SOFTWARE, f"{change.where}{version} has a bug: {after[0].text[:120]}",
            says=f"{word(change, 'what') or 'released'}{version} at {at:%H:%M} UTC.", detail=change.where,
            more=[Evidence(f"{len(after)} such exceptions since, {len(lines) - len(after)} before.", f"log of {change.where}")],
            confirm=f"Roll {change.where} back; what in the change touches this.",
        )  # fmt: skip


def _thrown(look: Look) -> list[Line]:
    every = (line for phase in Phase for line in look.material.logs.get(phase, ()))
    return [one for one in every if one.severity not in QUIET and _IN_CODE.search(one.text)]


def planned_work(look: Look, troubled: Collection[str]) -> Iterator[Hypothesis]:
    """What hurts is being worked on, in a window that was agreed."""
    for change in look.all(FactKind.CHANGE):
        at, until = change.at, time(change, "until")
        if change.values.get("planned") is not True or at is None or change.where not in troubled:
            continue
        if at > look.since + timedelta(minutes=15) or (until is not None and until < look.since):
            continue
        yield hypothesis(
            change, "planned-work", CauseClass.PLANNED, f"{change.where} is being worked on: {word(change, 'what')}.",
            says=f"Agreed from {at:%H:%M}{f' to {until:%H:%M}' if until else ''} UTC, by {word(change, 'by') or 'somebody'}.",
            score=0.75, confirm="Ask who works on it whether this was expected, and when it ends.",
            more=[Evidence("It hurts where the work is.")],
        )  # fmt: skip


def _is_release(change: Fact) -> bool:
    return bool(re.search(r"deploy|release|rollout|upgrade|started", word(change, "what"), re.I))
