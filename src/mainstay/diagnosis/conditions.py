"""What fails among the services that the symptom needs, and what was changed before it.

As somebody says it who knows the estate: what fails below and began first is the cause; a change
did it if it was made to what fails, shortly before; planned work explains what it covers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.facts.fact import Fact, FactKind
from mainstay.diagnosis.lines import class_of
from mainstay.diagnosis.material import Material
from mainstay.diagnosis.series.flow import callees_of, reachable

SLACK = timedelta(minutes=2)
"""Looks come a minute apart: what failed so little after the symptom may have failed before it."""
SOON = timedelta(minutes=15)
"""A change is felt within this time, as a rule …"""
LATER = timedelta(hours=2)
"""… and hardly ever after this one."""
PLANNED, CHANGED_WHAT_FAILS, FAILS_FIRST, CHANGED_LONG_BEFORE = 0.85, 0.8, 0.75, 0.45
CHANGED_NEAR, FAILS_AFTER, ALONE, CHANGED_ELSEWHERE, CHANGED_AFTER = 0.4, 0.3, 0.25, 0.2, 0.02
NEXT_ROOT = 0.1
"""Each further thing that fails below is that much less likely to be the one."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_SETTINGS = re.compile(
    r"\b(config\w*|setting\w*|flag|feature|firewall|dns|certificate|parameter|rule|limit|secret)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Failing:
    """A service that does not stand well: since when, and by what it is known."""

    where: str
    since: datetime | None
    seen: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """What is judged: `roots` fail while nothing fails that they need, the first to fail first."""

    symptom: str
    since: datetime
    facts: tuple[Fact, ...]
    failing: Mapping[str, Failing]
    roots: tuple[Failing, ...]
    needs: tuple[str, ...]

    @property
    def first(self) -> Failing | None:
        """What failed below before the symptom, or so soon after that it may have."""
        return next((one for one in self.roots if self.is_before(one.since)), None)

    def is_before(self, at: datetime | None) -> bool:
        """Whether it came no later than the symptom, as far as looks can tell."""
        return at is None or at <= self.since + SLACK


def is_of_alert(fact: Fact) -> bool:
    """Whether it only says again that somebody was alarmed, or that something was changed."""
    return fact.kind is FactKind.CHANGE or fact.values.get("by") == "alert"


def of_conditions(material: Material) -> list[Hypothesis]:
    """Every hypothesis that standings and changes give, unranked."""
    if material.symptom is None or material.since is None:
        return []
    callees = callees_of(material.calls)
    below = reachable(callees, material.symptom.where)
    failing = {one.where: one for one in _failing(material.facts) if one.where in below}
    roots = _roots(failing, callees, material.symptom.where)
    case = _Case(
        material.symptom.where, material.since, material.facts, failing, tuple(roots),
        tuple(sorted(below - {material.symptom.where})),
    )  # fmt: skip
    changes = [one for one in material.facts if one.kind is FactKind.CHANGE and one.where in below]
    return [
        *(_fails(one, place, case) for place, one in enumerate(roots)),
        *(_change(one, case) for one in changes),
        *_alone(case),
    ]


def _failing(facts: Iterable[Fact]) -> Iterator[Failing]:
    bad: dict[str, list[Fact]] = {}
    for one in facts:
        if one.kind is FactKind.CONDITION and one.values.get("state") in ("fail", "warn"):
            bad.setdefault(one.where, []).append(one)
    for where, seen in sorted(bad.items()):
        since = min((one.at for one in seen if one.at is not None), default=None)
        yield Failing(where, since, tuple(seen))


def _roots(
    failing: Mapping[str, Failing], callees: Mapping[str, list[str]], symptom: str
) -> list[Failing]:
    found = [
        one
        for where, one in failing.items()
        if where != symptom and not (reachable(callees, where) - {where}) & failing.keys()
    ]
    return sorted(found, key=lambda one: (one.since is None, one.since or _NEVER, one.where))


def _fails(one: Failing, place: int, case: _Case) -> Hypothesis:
    first = case.is_before(one.since)
    known = one.seen[0].values
    outside = known.get("type") == "external"
    words = " ".join(str(each.values.get("sentence", "")) for each in one.seen)
    vendor = f" of {known['vendor']}" if known.get("vendor") else ""
    whose = f", a service{vendor} outside" if outside else ""
    against = (
        () if first else (Evidence("It began only after the symptom: perhaps it suffers too."),)
    )
    ask = f"Ask {known.get('contact') or known.get('vendor') or 'whoever runs it'}; look at {one.where}."
    look = f"Look at {one.where} first; if it is mended, {case.symptom} should be well."
    return Hypothesis(
        one.where,
        "provider-failure" if outside else "dependency-fails",
        f"{one.where}{whose}, which {case.symptom} needs, fails by itself: {_said(one.seen[0])}",
        CauseClass.THIRD_PARTY if outside else class_of(words, CauseClass.SYSTEM),
        max(FAILS_AFTER, FAILS_FIRST - NEXT_ROOT * place) if first else FAILS_AFTER,
        (*(_seen(each) for each in one.seen[:4]), Evidence("Nothing that it needs in turn fails.")),
        against,
        ask if outside else look,
        one.since,
    )  # fmt: skip


def _said(fact: Fact) -> str:
    return f"{fact.name}: {str(fact.values.get('sentence', 'it fails')).rstrip('.')}."


def _seen(fact: Fact) -> Evidence:
    since = f" since {fact.at:%H:%M} UTC" if fact.at else ""
    sentence = str(fact.values.get("sentence", fact.values.get("state", ""))).rstrip(".")
    return Evidence(f"{fact.name}{since}: {sentence}.", fact.source)


# -- what was changed ------------------------------------------------------------------------------


def _change(fact: Fact, case: _Case) -> Hypothesis:
    what = str(fact.values.get("what") or fact.name).strip().rstrip(".")
    score, against = _guilt(fact, case)
    planned = fact.values.get("planned") is True
    settings = bool(_SETTINGS.search(what))
    when = f" at {fact.at:%H:%M} UTC, {_before(fact.at, case.since)}" if fact.at else ""
    by = f" by {fact.values['by']}" if fact.values.get("by") else ""
    seen = [Evidence(f"{what}{by}{when}.", fact.source)]
    if fact.where in case.failing and score >= CHANGED_LONG_BEFORE:
        seen.append(Evidence(f"{fact.where} fails: {_said(case.failing[fact.where].seen[0])}"))
    until = f" until {fact.values['until']}" if fact.values.get("until") else ""
    verb = f"Planned work{until}" if planned else "A change"
    return Hypothesis(
        fact.where,
        "planned-work" if planned else "change",
        f"{verb} on {fact.where}: {what}.",
        CauseClass.PLANNED if planned else
        CauseClass.CONFIGURATION if settings else CauseClass.SOFTWARE,
        score,
        tuple(seen),
        tuple(Evidence(words) for words in against),
        "Ask whoever does the work whether this is expected." if planned else
        f"Roll {fact.where} back, or read what the change does.",
        fact.at,
        detail=fact.name if planned else what[:200],
    )  # fmt: skip


def _guilt(fact: Fact, case: _Case) -> tuple[float, list[str]]:
    """The score of a change, and what speaks against it."""
    symptom, since = case.symptom, case.since
    if not case.is_before(fact.at):
        return CHANGED_AFTER, ["It was made after the symptom began."]
    if fact.values.get("planned") is True:
        return PLANNED, []
    age = since - fact.at if fact.at is not None else LATER
    first = case.first
    if fact.where in {one.where for one in case.roots} or (fact.where == symptom and first is None):
        if age <= SOON:
            return CHANGED_WHAT_FAILS, []
        against = [f"It was made {_span(age)} before: a change is felt sooner, as a rule."]
        return (CHANGED_LONG_BEFORE if age <= LATER else CHANGED_ELSEWHERE), against
    if first is not None:
        words = f"{first.where} fails by itself; a change of {fact.where} does not make that."
        return FAILS_AFTER if age <= SOON else CHANGED_ELSEWHERE, [words]
    is_seen = any(_is_well(one, fact.where) for one in case.facts)
    if is_seen:
        return CHANGED_ELSEWHERE, [f"{fact.where} itself stands well."]
    return (CHANGED_NEAR if age <= SOON else CHANGED_ELSEWHERE), []


def _is_well(fact: Fact, where: str) -> bool:
    is_condition = fact.kind is FactKind.CONDITION and fact.where == where
    return is_condition and fact.values.get("state") == "ok"


def _before(at: datetime, since: datetime) -> str:
    gap = since - at
    if gap < timedelta(0):
        return f"{_span(-gap)} after it began"
    return f"{_span(gap)} before it began"


def _span(gap: timedelta) -> str:
    minutes = round(gap.total_seconds() / 60)
    if minutes < 1:
        return f"{round(gap.total_seconds())} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _alone(case: _Case) -> Iterator[Hypothesis]:
    """Nothing fails that it needs: then it is itself, or something that nobody looks at."""
    symptom = case.symptom
    if symptom not in case.failing or case.roots:
        return
    well = [where for where in case.needs if any(_is_well(one, where) for one in case.facts)]
    unseen = [where for where in case.needs if where not in well]
    changed = any(one.kind is FactKind.CHANGE and one.where == symptom for one in case.facts)
    seen = [_seen(each) for each in case.failing[symptom].seen[:4]]
    if well:
        seen.append(Evidence(f"Well, by their checks: {', '.join(well[:8])}."))
    against = [] if changed else [Evidence("No change of it is known.")]
    if unseen:
        against.append(Evidence(f"Nobody looks at {', '.join(unseen[:8])}, which it needs."))
    words = f"{symptom} itself fails: {_said(case.failing[symptom].seen[0])}"
    told = " ".join(str(one.values.get("sentence", "")) for one in case.failing[symptom].seen)
    yield Hypothesis(
        symptom,
        "fails-alone",
        words,
        class_of(told, CauseClass.SOFTWARE),
        ALONE,
        tuple(seen),
        tuple(against),
        f"Look at the logs and the resources of {symptom}.",
        case.failing[symptom].since,
    )
