"""What must hold of searches and journeys: a query that names the item, a pattern that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mainstay.estate.collections import Estate, Search
from mainstay.estate.reading.layout import Loc, Places
from mainstay.estate.reading.problems import Problem, problem
from mainstay.estate.reading.sentences import named
from mainstay.estate.routing import NotRe2, Pattern

_NAMES_ID = re.compile(r"(?<!:):id(?:_like)?\b")


def finding(estate: Estate, places: Places) -> Iterator[Problem]:
    """Every value of `find` and `journeys` that does not fit."""
    for id_, service in estate.services.items():
        for index, search in enumerate(service.find):
            loc: Loc = ("services", id_, "find", index)
            for key, words in _unfit(estate, search):
                yield problem(places.key((*loc, key)), "E330", f"{named(loc)} {words}")
    for id_, journey in estate.journeys.items():
        loc = ("journeys", id_)
        if journey.id is not None:
            try:
                Pattern(f"~{journey.id}")
            except NotRe2 as error:
                words = f"{named((*loc, 'id'))}: {error}"
                yield problem(places.value((*loc, "id")), "E330", words)
        if len(journey.through) < 2:
            words = f"{named(loc)} goes through two services at least, in order"
            yield problem(places.key((*loc, "through")), "E330", words)
        yield from _once(journey.through, (*loc, "through"), places)


def _unfit(estate: Estate, search: Search) -> Iterator[tuple[str, str]]:
    """Keys of a search that do not fit, and why."""
    if search.sql is not None:
        if not _NAMES_ID.search(search.sql):
            yield "sql", "asks a query that does not name :id, what is looked for"
        host = estate.hosts.get(search.on or "")
        if search.database is None and (host is None or host.database is None):
            yield "sql", "needs a database: beside the query, or of its host ('on')"
    elif search.on is not None:
        yield "on", "has 'on', which says whose database is asked; files and kept logs are here"
    if search.kept_as is not None and search.logs is None:
        yield "kept_as", "has 'kept_as', which is for kept logs ('logs')"


def _once(through: list[str], loc: Loc, places: Places) -> Iterator[Problem]:
    for index, service in enumerate(through):
        if service in through[:index]:
            words = f"{named(loc[:-1])} goes through {service!r} twice"
            yield problem(places.value((*loc, index)), "E330", words)
