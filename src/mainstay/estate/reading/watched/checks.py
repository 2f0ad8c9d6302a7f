"""What must hold of a check: conditions that can be answered, times that come, hosts that fit."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.estate.collections import TIMEOUT_MAX, Check, Estate
from mainstay.estate.collections.watch import ON_A_HOST, ONLY
from mainstay.estate.days import BadCron, Cron, schedule_kind
from mainstay.estate.expect import BadCondition, check_names, parse
from mainstay.estate.reading.layout import Loc, Places
from mainstay.estate.reading.problems import Problem, nearest, problem
from mainstay.estate.reading.sentences import named, small_first
from mainstay.foundation.spans import duration_text


def watching(estate: Estate, places: Places) -> Iterator[Problem]:
    """Every value of the checks that does not fit."""
    for id_, check in estate.checks.items():
        loc = ("checks", id_)
        for key in ("expect", "warn"):
            for index, text in enumerate(getattr(check, key)):
                yield from _condition(estate, check.probe, text, (*loc, key, index), places)
        for index, step in enumerate(check.http.steps if check.http else ()):
            for number, text in enumerate(step.expect):
                way = (*loc, "http", "steps", index, "expect", number)
                yield from _condition(estate, "http", text, way, places)
        if check.schedule is not None and not check.heartbeat:
            try:
                Cron.of(check.schedule)
            except BadCron as error:
                at = places.value((*loc, "schedule"))
                words = small_first(error.sentence.rstrip("."))
                yield problem(at, "E316", f"{named((*loc, 'schedule'))}: {words}")
        if check.schedule is not None and check.heartbeat:
            try:
                schedule_kind(check.schedule)
            except ValueError as error:
                at = places.value((*loc, "schedule"))
                yield problem(at, "E316", f"{named((*loc, 'schedule'))}: {error}")
        yield from _fit(estate, check, loc, places)


def _condition(
    estate: Estate, probe: str, text: str, loc: Loc, places: Places
) -> Iterator[Problem]:
    at = places.value(loc)
    try:
        read = parse(text)
        check_names(read, probe)
    except BadCondition as error:
        words = small_first(error.sentence.rstrip("."))
        yield problem(at, "E315", f"{named(loc)}, {words}")
        return
    wanted = read.period.calendar if read.period else None
    known = places.ids("calendars")
    if wanted is not None and wanted not in known:
        words = f"{named(loc)} counts by {wanted!r}, no such calendar{nearest(wanted, known)}"
        yield problem(at, "E206", words)


def _fit(estate: Estate, check: Check, loc: Loc, places: Places) -> Iterator[Problem]:
    """Parts that need each other."""
    for key in ("period", "grace", "starts_within", "takes_at_most", "takes_at_least"):
        if getattr(check, key) is not None and not check.heartbeat:
            words = f"{named(loc)} has {key!r}, which is a heartbeat's"
            yield problem(places.key((*loc, key)), "E317", words)
    if check.heartbeat and (check.period is None) == (check.schedule is None):
        words = f"{named(loc)} is a heartbeat and needs either 'period' or 'schedule'"
        yield problem(places.key((*loc, "heartbeat")), "E317", words)
    if check.timeout > TIMEOUT_MAX:
        words = (
            f"{named((*loc, 'timeout'))}: {duration_text(check.timeout)} is longer than one look may "
            f"take; at most {TIMEOUT_MAX.total_seconds():g}s"
        )
        yield problem(places.value((*loc, "timeout")), "E303", words)
    for host in (one for one in check.on if one in estate.hosts):
        via = estate.hosts[host].via
        if check.probe in ON_A_HOST - ONLY.get(via, ON_A_HOST):
            looks = " and ".join(sorted(ONLY[via]))
            words = f"{named(loc)} is on {host!r}, which is reached by {via}: there is {looks}"
            yield problem(places.key((*loc, check.probe)), "E317", words)
    if check.ssh is not None and not check.on:
        words = f"{named(loc)} runs a command by ssh and needs 'on', the host"
        yield problem(places.key((*loc, "ssh")), "E317", words)
    if check.prometheus is not None and not (check.prometheus.url or estate.org.prometheus):
        words = (
            f"{named(loc)} queries Prometheus; say where it is: org: {{prometheus: http://…}}, "
            "or url beside the query"
        )
        yield problem(places.key((*loc, "prometheus")), "E317", words)
    if check.sql is not None and check.sql.database is None:
        hosts = [estate.hosts[one] for one in check.on if one in estate.hosts]
        if not check.on or any(host.database is None for host in hosts):
            words = f"{named(loc)} needs a database: beside the query, or of its host"
            yield problem(places.key((*loc, "sql")), "E317", words)
