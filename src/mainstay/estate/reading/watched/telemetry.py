"""What must hold of telemetry and of the rules that blank it: addresses, labels, patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from mainstay.estate.collections import Estate, Telemetry
from mainstay.estate.reading.layout import Loc, Places
from mainstay.estate.reading.problems import Problem, problem
from mainstay.estate.reading.sentences import named
from mainstay.estate.routing import NotRe2, Pattern

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
EVERY_MIN = timedelta(seconds=5)


def telling(estate: Estate, places: Places) -> Iterator[Problem]:
    """Everything in `telemetry` and `blanks` that does not fit."""
    for id_, one in estate.telemetry.items():
        loc: Loc = ("telemetry", id_)
        for key, words in _troubles(one):
            yield problem(places.key((*loc, *key)), "E318", f"{named(loc)} {words}")
    for id_, blank in estate.blanks.items():
        text, at = blank.pattern, places.value(("blanks", id_, "pattern"))
        try:
            Pattern("~" + text)
        except NotRe2 as error:
            yield problem(at, "E308", f"blank {id_!r}: {error}")
            continue
        if not text or Pattern("~" + text).matches(""):
            words = f"blank {id_!r} finds nothing at all, and so would blank everywhere"
            yield problem(at, "E318", words)


def _troubles(one: Telemetry) -> Iterator[tuple[tuple[str, ...], str]]:
    """(the key at fault, what is wrong with it)."""
    kinds = one.kinds
    if len(kinds) != 1:
        have = " and ".join(kinds) or "none"
        yield (), f"needs exactly one of prometheus, loki and exporter, and has {have}"
        return
    (kind,) = kinds
    parts = urlsplit(one.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        yield (kind,), f"wants an address such as http://host:9090 without a user, not {one.url!r}"
    if one.label is not None and not _LABEL.fullmatch(one.label):
        yield ("label",), f"names the label {one.label!r}; a label is letters, digits and _"
    if one.user is not None and one.secret is None:
        yield ("user",), "has a user and no secret: add secret: file:/path, or leave the user out"
    if one.tenant is not None and not one.tenant.isprintable():
        yield ("tenant",), "has a tenant with signs that no header can hold"
    if kind != "prometheus" and one.queries:
        yield ("queries",), f"has queries, which are for prometheus, and is {kind}"
    if kind == "exporter" and len(one.services) != 1:
        yield (kind,), "scrapes an exporter and must say whose: services: [ID], exactly one"
    if kind == "exporter" and one.every < EVERY_MIN:
        yield ("every",), "scrapes more often than every 5 s"
