"""Values that have the right kind and still make no sense; and the warnings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise

from mainstay.estate.collections import Answer, Estate, JsonMap, Layer, handover
from mainstay.estate.collections.shift import span_of
from mainstay.estate.days import holidays_of, parse_rule
from mainstay.estate.reading.json_path import condition, json_path
from mainstay.estate.reading.layout import Loc, Places
from mainstay.estate.reading.problems import Problem, nearest, problem, shown
from mainstay.estate.reading.sentences import named, small_first
from mainstay.estate.reading.watched.checks import watching
from mainstay.estate.reading.watched.finds import finding
from mainstay.estate.reading.watched.telemetry import telling
from mainstay.estate.routing import NotRe2, Pattern
from mainstay.foundation.errors import Invalid

_ANY_YEAR = 2026
"""Whether a country or market is known does not depend on the year."""
_TEMPLATE = re.compile(r"service:(?:[^{}\s]|\{[^{}\s]+\})+")


def unfit(estate: Estate, places: Places, *, whole: bool, today: date | None) -> list[Problem]:
    """Every value that does not fit its neighbours, and every warning."""
    found = [
        *_people(estate, places),
        *_teams(estate, places),
        *_calendars(estate, places),
        *_sources(estate, places),
        *_schedules(estate, places, today),
        *_escalations(estate, places),
        *_services(estate, places),
        *_routes(estate, places),
        *_checklists(estate, places),
        *watching(estate, places),
        *finding(estate, places),
        *telling(estate, places),
    ]
    return found if whole or estate.routes else [one for one in found if one.code != "E210"]


def _span(places: Places, loc: Loc, *, first: date | None, last: date | None) -> Iterator[Problem]:
    if first and last and first > last:
        at = places.value((*loc, "until"))
        yield problem(at, "E311", f"{named(loc)}: until {last} is before from {first}")


def _people(estate: Estate, places: Places) -> Iterator[Problem]:
    for id_, person in estate.people.items():
        yield from _span(places, ("people", id_), first=person.from_, last=person.until)
        for index, leave in enumerate(person.leave):
            way = ("people", id_, "leave", index)
            yield from _span(places, way, first=leave.from_, last=leave.until)


def _teams(estate: Estate, places: Places) -> Iterator[Problem]:
    for id_, team in estate.teams.items():
        for name, shift in team.shifts.items():
            loc: Loc = ("teams", id_, "shifts", name, "at")
            try:
                first, last = span_of(shift.at)
            except ValueError as error:
                yield problem(places.value(loc), "E305", f"{named(loc[:-1])}: {error}")
                continue
            if first == last:
                words = f"{named(loc[:-1])} ends when it begins"
                yield problem(places.value(loc), "E311", words)
        if team.handover is not None and not team.shifts:
            loc = ("teams", id_, "handover")
            words = f"team {id_!r} has a handover but no shifts that hand over"
            yield problem(places.key(loc), "E310", words)


def _checklists(estate: Estate, places: Places) -> Iterator[Problem]:
    for id_, checklist in estate.checklists.items():
        seen: dict[str, int] = {}
        for index, item in enumerate(checklist.items):
            loc: Loc = ("checklists", id_, "items", index)
            for key in item.keys:
                if key in seen:
                    words = f"{named(loc)} is called {key!r} like item {seen[key] + 1}"
                    yield problem(places.key(loc), "E109", words)
                seen.setdefault(key, index)
            for name, answer in item.answer.items():
                yield from _answer(answer, (*loc, "answer", name), places)
        team = estate.teams.get(checklist.team)
        if checklist.signoff.by == "shift-lead" and team is not None and not team.shifts:
            loc = ("checklists", id_, "signoff", "by")
            words = (
                f"checklist {id_!r} is signed by the shift's lead, and team {checklist.team!r} "
                "has no shifts"
            )
            yield problem(places.value(loc), "E310", words)


def _answer(answer: Answer, loc: Loc, places: Places) -> Iterator[Problem]:
    """Bounds are a number's, choices a choice's."""
    if (answer.type == "choice") != bool(answer.of):
        words = f"{named(loc)}: a choice, and nothing else, has 'of': what can be chosen"
        yield problem(places.key(loc), "E310", words)
    if answer.type != "number" and (answer.min, answer.max, answer.unit) != (None, None, None):
        words = f"{named(loc)}: only a number has min, max or unit"
        yield problem(places.key(loc), "E310", words)
    if answer.min is not None and answer.max is not None and answer.min > answer.max:
        words = f"{named(loc)}: min {answer.min:g} is above max {answer.max:g}"
        yield problem(places.key(loc), "E311", words)


def _calendars(estate: Estate, places: Places) -> Iterator[Problem]:
    for id_, calendar in estate.calendars.items():
        loc = ("calendars", id_)
        try:
            if calendar.rule is not None:
                parse_rule(calendar.rule)
        except ValueError as error:
            at = places.value((*loc, "rule"))
            yield problem(at, "E313", f"{named((*loc, 'rule'))}: {error}")
        if calendar.of is not None and places.node((*loc, "rule")) is None:
            words = f"{named(loc)} has 'of' but no 'rule' that picks days of it"
            yield problem(places.key((*loc, "of")), "E313", words)
        if calendar.holidays is not None:
            try:
                holidays_of(calendar.holidays, _ANY_YEAR)
            except ValueError as error:
                at = places.value((*loc, "holidays"))
                yield problem(at, "E313", f"{named((*loc, 'holidays'))}: {error}")


# -- sources ---------------------------------------------------------------------------------------


def _sources(estate: Estate, places: Places) -> Iterator[Problem]:
    for id_, source in estate.sources.items():
        loc = ("sources", id_)
        if source.format == "json" and places.node((*loc, "map")) is None:
            words = f"source {id_!r} has format json and needs a map: {{key: …, summary: …}}"
            yield problem(places.key(loc), "E310", words)
        elif source.format != "json" and source.map is not None:
            words = f"source {id_!r} has format {source.format}, which knows its own fields; only json has a map"
            yield problem(places.key((*loc, "map")), "E310", words)
        if source.map is not None:
            yield from _map(source.map, (*loc, "map"), places)


def _map(given: JsonMap, loc: Loc, places: Places) -> Iterator[Problem]:
    paths: dict[tuple[str, ...], str | None] = {
        (name,): getattr(given, name) for name in ("key", "summary", "service", "url", "items")
    }
    if given.severity is not None:
        paths["severity", "from"] = given.severity.from_
    if isinstance(given.labels, dict):
        paths |= {("labels", name): path for name, path in given.labels.items()}
    else:
        paths["labels",] = given.labels
    for way, path in paths.items():
        if path is not None:
            yield from _readable(json_path, path, (*loc, *way), places=places)
    if given.resolve is not None:
        yield from _readable(condition, given.resolve, (*loc, "resolve"), places=places)


def _readable(
    read: Callable[[str], object], text: str, loc: Loc, *, places: Places
) -> Iterator[Problem]:
    try:
        read(text)
    except Invalid as error:
        yield problem(
            places.value(loc), "E309", f"{named(loc)}: {small_first(error.sentence.rstrip('.'))}"
        )


# -- schedules and escalations ---------------------------------------------------------------------


def _schedules(estate: Estate, places: Places, today: date | None) -> Iterator[Problem]:
    for id_, schedule in estate.schedules.items():
        for index, layer in enumerate(schedule.layers):
            loc = ("schedules", id_, "layers", index)
            try:
                handover(layer.rotate, layer.handover)
            except ValueError as error:
                at = places.value((*loc, "handover"))
                yield problem(at, "E307", f"{named((*loc, 'handover'))}: {error}")
            for number, only in enumerate(layer.only):
                if (only.from_ is None) != (only.to is None):
                    way = (*loc, "only", number)
                    words = f"{named(way)} needs both from and to, or neither"
                    yield problem(places.value(way), "E115", words)
            yield from _order(estate, layer, loc, places=places, today=today)


def _order(
    estate: Estate, layer: Layer, loc: Loc, *, places: Places, today: date | None
) -> Iterator[Problem]:
    """Turns that can never come, and layers that have nobody."""
    never, ends, warnings = 0, [], []
    for index, turn in enumerate(layer.order):
        way = (*loc, "order", index)
        yield from _span(places, way, first=turn.from_, last=turn.until)
        person = estate.people.get(turn.person)
        starts = [d for d in (turn.from_, person.from_ if person else None) if d]
        untils = [d for d in (turn.until, person.until if person else None) if d]
        ends.append(min(untils, default=None))
        if not starts or not untils or max(starts) <= min(untils):
            continue
        never += 1
        if (turn.from_ or date.min) <= (turn.until or date.max):
            words = f"{named(way)} never comes: {turn.person!r} is there from {max(starts)}, until {min(untils)}"
            warnings.append(problem(places.value(way), "W404", words))
    if never == len(layer.order):
        words = f"{named(loc)} has nobody who can ever be on call; look at from and until"
        yield problem(places.value((*loc, "order")), "E211", words)
        return
    yield from warnings
    left = [end for end in ends if end is not None]
    if today is not None and len(left) == len(ends) and max(left) < today:
        words = f"{named(loc)}: everybody in its order has left; the last on {max(left)}"
        yield problem(places.value((*loc, "order")), "W405", words)


def _escalations(estate: Estate, places: Places) -> Iterator[Problem]:
    for id_, escalation in estate.escalations.items():
        for index, (before, step) in enumerate(pairwise(escalation.steps), start=1):
            if step.after < before.after:
                loc = ("escalations", id_, "steps", index)
                words = (
                    f"{named(loc)} comes before step {index}; after counts from the start of the "
                    "escalation, not from the step before"
                )
                yield problem(places.value((*loc, "after")), "E312", words)


# -- services and routes ---------------------------------------------------------------------------


def _services(estate: Estate, places: Places) -> Iterator[Problem]:
    for id_, service in estate.services.items():
        loc = ("services", id_)
        at = places.key(loc)
        ours = service.type not in ("external", "database", "queue", "host")
        if places.node((*loc, "owner")) is None and ours:
            words = f"service {id_!r} has no owner; the fallback escalation pages for it"
            yield problem(at, "W401", words)
        if places.node((*loc, "tier")) is None and ours:
            words = f"service {id_!r} has no tier; it counts as tier {service.tier}"
            yield problem(at, "W402", words)


def _routes(estate: Estate, places: Places) -> Iterator[Problem]:
    written = places.node(("routes",))
    if written is not None and written.items and not estate.routes:
        return  # set aside: their own problems are told
    last = len(estate.routes) - 1
    if last < 0 or estate.routes[last].match or "{" in estate.routes[last].to:
        at = places.value(("routes", last) if last >= 0 else ("routes",))
        words = (
            "the last route takes what no other does: it needs no match and one fixed service, "
            "for example {to: service:unrouted}"
        )
        yield problem(at, "E210", words)
    for index, route in enumerate(estate.routes):
        loc = ("routes", index)
        if not _TEMPLATE.fullmatch(route.to):
            hint = nearest(route.to, [f"service:{id_}" for id_ in estate.services])
            words = f"route {index + 1}, to: expected service:ID or service:{{label}}, got {shown(route.to)}{hint}"
            yield problem(places.value((*loc, "to")), "E314", words)
        if not route.match and index < last:
            words = f"route {index + 1} has no match and takes everything; the routes after it never match"
            yield problem(places.value((*loc, "to")), "W403", words)
        yield from _patterns(route.match, (*loc, "match"), places)


def _patterns(match: dict[str, str], loc: Loc, places: Places) -> Iterator[Problem]:
    for name, text in match.items():
        try:
            Pattern(text)
        except NotRe2 as error:
            at = places.value((*loc, name))
            yield problem(at, "E308", f"{named((*loc, name))}: {error}")
