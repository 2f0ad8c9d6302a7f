"""Templates to HTML: the parts of a screen, and what every template may use.

A screen is put together from parts. Each part has a URL of its own, which htmx fetches again when
the stream names what it shows; its rights are checked each time, here and there alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment
from markupsafe import Markup

from mainstay import __version__, people
from mainstay.console import draw, words
from mainstay.console.desk.reader import Reader
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import MainstayError
from mainstay.incidents import Incident

log = logging.getLogger("mainstay.console")

SELF = "self"
"""Instead of a permission: for whoever is signed in, about themselves alone."""
Look = Callable[[Reader, Tx], Mapping[str, Any]]
"""Reads what a part or a screen shows, in one transaction."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a screen. `names`: what the stream must say for it to be fetched again.

    A `{number}` in a name, or any other of `keys`, is filled in from the query.
    """

    name: str
    permission: str
    names: tuple[str, ...]
    look: Look
    title: str
    keys: tuple[str, ...] = ()
    """What of the query it looks at; its own URL carries it on."""


@dataclass(frozen=True, slots=True)
class Showing:
    """A whole screen. `here`: which entry of the rail it belongs to.

    `method` POST: it answers a form that changes nothing, and shows what would be.
    """

    path: str
    permission: str
    look: Look
    template: str
    here: str = ""
    method: Literal["GET", "POST"] = "GET"


@dataclass(frozen=True, slots=True)
class Went:
    """Where the browser goes after an act, and the sentence that it shows there.

    `secret` is shown once, there and then.
    """

    to: str
    said: str = ""
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """What a form posts to. `back`: the screen that shows a refusal, with what was typed."""

    path: str
    permission: str
    act: Callable[[Reader], Went]
    back: Showing | None = None


def equip(templates: Environment) -> None:
    """What every template of the desk may use."""
    templates.globals.update(
        g=draw.glyph, sheet=draw.sheet, sparkline=draw.sparkline, age=words.age,
        counted=words.counted, initials=words.initials, listed=words.listed, us=from_us,
        lasted=lasted, place_of=words.place_of, safe_url=safe_url, version=__version__,
    )  # fmt: skip
    templates.filters.update(tied=words.tied, breakable=words.breakable)


def lasted(one: Incident) -> str:
    """How long a resolved incident was open."""
    end = one.resolved_at if one.resolved_at is not None else one.opened_at
    return words.age(from_us(end) - from_us(one.opened_at))


def safe_url(url: str) -> str:
    """The address, if a browser may be led there; nothing runs from a link."""
    return url if urlsplit(url).scheme in ("http", "https") else "#"


@dataclass(frozen=True, slots=True)
class Renderer:
    """The parts that there are, and how they are put together. Safe to share by threads."""

    templates: Environment
    parts: Mapping[str, Part]

    def screen(self, showing: Showing, reader: Reader, tx: Tx, **more: Any) -> str:
        """The whole document."""
        context = self.words(reader, tx) | {"here": showing.here} | dict(showing.look(reader, tx))
        return self.templates.get_template(showing.template).render(context | more)

    def part(self, part: Part, reader: Reader, tx: Tx) -> str:
        """One part as its URL answers it."""
        people.require(reader.actor, part.permission)
        return self._wrapped(part, reader, self._inside(part, reader, tx))

    def words(self, reader: Reader, tx: Tx) -> dict[str, Any]:
        """What every template of a screen or part may say."""
        times = reader.times
        return {
            "reader": reader, "may": reader.may, "when": times.html, "clock": times.clock,
            "ago": times.ago, "day": times.day, "iso": times.iso, "who": reader.name,
            "service": reader.service, "label": reader.label,
            "part": lambda name, **keys: self._placed(name, reader, tx, keys),
        }  # fmt: skip

    def _placed(self, name: str, reader: Reader, tx: Tx, keys: Mapping[str, Any]) -> Markup:
        """A part inside of a screen; one that may not be seen is not there, one that fails says so."""
        part = self.parts[name]
        if not reader.may(part.permission):
            return Markup("")
        asked = reader.asking({**reader.query, **{key: str(one) for key, one in keys.items()}})
        return Markup(self._wrapped(part, asked, self._tried(part, asked, tx)))

    def _tried(self, part: Part, reader: Reader, tx: Tx) -> str:
        """The rest of the screen stands, whatever becomes of one part."""
        try:
            return self._inside(part, reader, tx)
        except Exception as error:
            log.exception("part %s could not be read", part.name)
            code = error.code if isinstance(error, MainstayError) else "MS-5000"
            failed = {"title": part.title, "code": code}
            return self.templates.get_template("failed.html").render(
                self.words(reader, tx) | failed
            )

    def _inside(self, part: Part, reader: Reader, tx: Tx) -> str:
        context = self.words(reader, tx) | dict(part.look(reader, tx))
        return self.templates.get_template(f"parts/{part.name}.html").render(context)

    def _wrapped(self, part: Part, reader: Reader, inside: str) -> str:
        """The element that htmx swaps: it keeps its id, so that a morph keeps focus and text."""
        keys = {name: reader.query[name] for name in part.keys if reader.query.get(name)}
        names = [name.format_map(_Filled(keys)) for name in (*part.names, "all")]
        trigger = ", ".join(f"{name} from:body delay:40ms" for name in names)
        url = f"/parts/{part.name}" + (f"?{urlencode(keys)}" if keys else "")
        return str(
            Markup(
                '<div class="part" id="p-{}" hx-get="{}" hx-trigger="{}" hx-swap="outerMorph">{}</div>'
            ).format(part.name.replace("/", "-"), url, trigger, Markup(inside))
        )


class _Filled(dict[str, str]):
    """Keys of the query for a name; one that is not there stays empty."""

    def __missing__(self, key: str) -> str:
        return ""
