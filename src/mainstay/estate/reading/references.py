"""Every id that is named must be declared; nothing may depend on itself."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator

from mainstay.estate.collections import Estate, Schedule, Shift
from mainstay.estate.reading.layout import SINGULAR, Loc, Places
from mainstay.estate.reading.problems import Problem, nearest, problem, shown
from mainstay.estate.reading.sentences import named

_CODES = {
    "people": "E201",
    "teams": "E202",
    "schedules": "E203",
    "services": "E204",
    "escalations": "E205",
    "calendars": "E206",
    "sources": "E207",
    "hosts": "E212",
    "checks": "E213",
}
_TARGETS = {"person": "people", "team": "teams", "schedule": "schedules"}
_HINTS_MAX = 50
"""Nearest names looked for; one takes about 15 ms among 10,000."""
_CIRCLES_MAX = 20
"""Circles told at once; one wrong edge can close very many."""


class _Names:
    """What is declared, and the Problem for a name that is not."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._known = {collection: places.ids(collection) for collection in _CODES}
        self._hints: dict[tuple[str, str], str] = {}

    def missing(
        self, collection: str, name: str | None, *, loc: Loc, says: str
    ) -> Iterator[Problem]:
        """Nothing, or one Problem: `says` is what the thing at `loc` does with the name."""
        known = self._known[collection]
        if name is None or name in known:
            return
        words = (
            f"{says} {shown(name)}, no such {SINGULAR[collection]}{self._hint(collection, name)}"
        )
        yield problem(self.places.value(loc), _CODES[collection], words)

    def _hint(self, collection: str, name: str) -> str:
        """The nearest name; looked for once for each name, and not for very many."""
        key = (collection, name)
        if key not in self._hints:
            known = self._known[collection] if len(self._hints) < _HINTS_MAX else ()
            self._hints[key] = nearest(name, known)
        return self._hints[key]


def dangling(estate: Estate, places: Places) -> list[Problem]:
    """Every reference to something that is not declared, and every circle."""
    names = _Names(places)
    return [
        *_teams(estate, names),
        *_services(estate, names),
        *_schedules(estate, names),
        *_escalations(estate, names),
        *_routes(estate, names),
        *_calendars(estate, names),
        *_checklists(estate, names),
        *_checks(estate, names),
        *_journeys(estate, names),
        *_telemetry(estate, names),
        *_circles(estate, places),
    ]


def _teams(estate: Estate, names: _Names) -> Iterator[Problem]:
    for id_, team in estate.teams.items():
        for index, person in enumerate(team.members):
            loc: Loc = ("teams", id_, "members", index)
            yield from names.missing("people", person, loc=loc, says=f"team {id_!r} has the member")
        for name, shift in team.shifts.items():
            yield from _shift(shift, ("teams", id_, "shifts", name), names)
        if team.handover is not None:
            loc = ("teams", id_, "handover", "escalation")
            says = f"team {id_!r} escalates its handovers by"
            yield from names.missing("escalations", team.handover.escalation, loc=loc, says=says)


def _shift(shift: Shift, way: Loc, names: _Names) -> Iterator[Problem]:
    what = named(way)
    for collection, key, verb in (
        ("people", "people", "is worked by"), ("schedules", "schedules", "is worked by who is on"),
    ):  # fmt: skip
        for index, name in enumerate(getattr(shift, key)):
            loc = (*way, key, index)
            yield from names.missing(collection, name, loc=loc, says=f"{what} {verb}")
    yield from names.missing("people", shift.lead, loc=(*way, "lead"), says=f"{what} is led by")
    yield from names.missing(
        "calendars", shift.calendar, loc=(*way, "calendar"), says=f"{what} is on the days of"
    )


def _checklists(estate: Estate, names: _Names) -> Iterator[Problem]:
    for id_, checklist in estate.checklists.items():
        way: Loc = ("checklists", id_)
        who = f"checklist {id_!r}"
        for collection, key, verb in (
            ("teams", "team", "belongs to"), ("calendars", "calendar", "is on the days of"),
            ("escalations", "escalation", "escalates by"),
        ):  # fmt: skip
            wanted = getattr(checklist, key)
            yield from names.missing(collection, wanted, loc=(*way, key), says=f"{who} {verb}")
        for index, item in enumerate(checklist.items):
            loc = (*way, "items", index, "service")
            says = f"{named((*way, 'items', index))} is about"
            yield from names.missing("services", item.service, loc=loc, says=says)
            for number, check in enumerate(item.run):
                loc = (*way, "items", index, "run", number)
                says = f"{named((*way, 'items', index))} runs"
                yield from names.missing("checks", check, loc=loc, says=says)
        if (signer := checklist.signoff.target) is not None:
            loc = (*way, "signoff", "by")
            says = f"{who} is signed by {signer.kind}"
            yield from names.missing(_TARGETS[signer.kind], signer.id, loc=loc, says=says)


def _services(estate: Estate, names: _Names) -> Iterator[Problem]:
    for id_, service in estate.services.items():
        way = ("services", id_)
        who = f"service {id_!r}"
        yield from names.missing(
            "teams", service.owner, loc=(*way, "owner"), says=f"{who} is owned by"
        )
        yield from names.missing(
            "escalations", service.escalation, loc=(*way, "escalation"), says=f"{who} escalates by"
        )
        for index, other in enumerate(service.depends):
            loc = (*way, "depends", index)
            yield from names.missing("services", other, loc=loc, says=f"{who} depends on")
        for index, host in enumerate(service.hosts):
            loc = (*way, "hosts", index)
            yield from names.missing("hosts", host, loc=loc, says=f"{who} runs on")
        for index, search in enumerate(service.find):
            at: Loc = (*way, "find", index, "on")
            yield from names.missing("hosts", search.on, loc=at, says=f"{who} is searched on")


def _journeys(estate: Estate, names: _Names) -> Iterator[Problem]:
    for id_, journey in estate.journeys.items():
        for index, service in enumerate(journey.through):
            loc = ("journeys", id_, "through", index)
            says = f"journey {id_!r} goes through"
            yield from names.missing("services", service, loc=loc, says=says)


def _schedules(estate: Estate, names: _Names) -> Iterator[Problem]:
    for id_, schedule in estate.schedules.items():
        loc = ("schedules", id_, "team")
        yield from names.missing(
            "teams", schedule.team, loc=loc, says=f"schedule {id_!r} belongs to"
        )
        yield from _layers(id_, schedule, names)


def _layers(id_: str, schedule: Schedule, names: _Names) -> Iterator[Problem]:
    for number, layer in enumerate(schedule.layers):
        way = ("schedules", id_, "layers", number)
        for index, turn in enumerate(layer.order):
            says = f"{named(way)} has in its order"
            loc = (*way, "order", index, "person")
            yield from names.missing("people", turn.person, loc=loc, says=says)
        for index, only in enumerate(layer.only):
            says = f"{named(way)} covers only the days of"
            loc = (*way, "only", index, "calendar")
            yield from names.missing("calendars", only.calendar, loc=loc, says=says)


def _escalations(estate: Estate, names: _Names) -> Iterator[Problem]:
    for id_, escalation in estate.escalations.items():
        for number, step in enumerate(escalation.steps):
            way = ("escalations", id_, "steps", number)
            for index, target in enumerate(step.notify):
                yield from names.missing(
                    _TARGETS[target.kind],
                    target.id,
                    loc=(*way, "notify", index),
                    says=f"{named(way)} notifies {target.kind}",
                )
    if "fallback" not in names.places.ids("escalations"):
        at = names.places.key(("escalations",))
        words = (
            "no escalation 'fallback', which pages when any other runs dry or nobody can be reached; "
            "add: fallback: [{after: 0m, notify: [person:…]}]"
        )
        yield problem(at, "E209", words)


def _routes(estate: Estate, names: _Names) -> Iterator[Problem]:
    for index, route in enumerate(estate.routes):
        source = route.match.get("source", "~")
        if not source.startswith(("~", "!")):
            way: Loc = ("routes", index, "match", "source")
            says = f"route {index + 1} matches the source"
            yield from names.missing("sources", source, loc=way, says=says)
        kind, _, service = route.to.partition(":")
        if kind == "service" and service and "{" not in service:
            way = ("routes", index, "to")
            says = f"route {index + 1} leads to"
            yield from names.missing("services", service, loc=way, says=says)


def _calendars(estate: Estate, names: _Names) -> Iterator[Problem]:
    for id_, calendar in estate.calendars.items():
        says = f"calendar {id_!r} picks days of"
        yield from names.missing("calendars", calendar.of, loc=("calendars", id_, "of"), says=says)


def _checks(estate: Estate, names: _Names) -> Iterator[Problem]:
    tags = {tag for host in estate.hosts.values() for tag in host.tags}
    for id_, check in estate.checks.items():
        way, who = ("checks", id_), f"check {id_!r}"
        wanted = (
            ("services", "service", check.service, "is about"),
            ("calendars", "calendar", check.calendar, "goes by"),
        )
        for collection, key, name, verb in wanted:
            yield from names.missing(collection, name, loc=(*way, key), says=f"{who} {verb}")
        for index, other in enumerate(check.unless_failing):
            loc: Loc = (*way, "unless_failing", index)
            yield from names.missing("checks", other, loc=loc, says=f"{who} is quiet while failing")
        for index, word in enumerate(check.on):
            loc = (*way, "on", index)
            if not word.startswith("tag:"):
                yield from names.missing("hosts", word, loc=loc, says=f"{who} is on")
            elif word[4:] not in tags and names.places.ids("hosts") == frozenset(estate.hosts):
                words = f"{who} is on hosts with the tag {shown(word[4:])}, and none has it"
                yield problem(names.places.value(loc), "E212", words + nearest(word[4:], tags))


def _telemetry(estate: Estate, names: _Names) -> Iterator[Problem]:
    for id_, one in estate.telemetry.items():
        way, who = ("telemetry", id_), f"telemetry {id_!r}"
        for index, service in enumerate(one.services):
            loc: Loc = (*way, "services", index)
            yield from names.missing("services", service, loc=loc, says=f"{who} holds that of")
        for key, verb in (("names", "names"), ("queries", "has queries of")):
            for service in getattr(one, key):
                loc = (*way, key, service)
                yield from names.missing("services", service, loc=loc, says=f"{who} {verb}")


# -- circles ---------------------------------------------------------------------------------------


def _circles(estate: Estate, places: Places) -> Iterator[Problem]:
    depends = {id_: list(service.depends) for id_, service in estate.services.items()}
    for circle in _found(depends):
        first, second = circle[:2]
        entry = estate.services[first].depends.index(second)
        at = places.value(("services", first, "depends", entry))
        yield problem(at, "E208", f"services depend in a circle: {' → '.join(circle)}")
    picks = {id_: [calendar.of] for id_, calendar in estate.calendars.items() if calendar.of}
    for circle in _found(picks):
        at = places.value(("calendars", circle[0], "of"))
        yield problem(at, "E208", f"calendars pick from each other: {' → '.join(circle)}")
    quiet = {id_: list(check.unless_failing) for id_, check in estate.checks.items()}
    for circle in _found(quiet):
        at = places.key(("checks", circle[0], "unless_failing"))
        yield problem(at, "E208", f"checks are quiet for each other: {' → '.join(circle)}")


def _found(graph: dict[str, list[str]]) -> Iterator[list[str]]:
    """Circles, each from its first declared member and back to it; the graph is used up."""
    order = {id_: place for place, id_ in enumerate(graph)}
    for _ in range(_CIRCLES_MAX):
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            members = list(reversed(error.args[1]))[:-1]
            start = min(range(len(members)), key=lambda i: order[members[i]])
            members = members[start:] + members[:start]
            yield [*members, members[0]]
            last = members[-1]
            graph[last] = [other for other in graph[last] if other != members[0]]
        else:
            return
