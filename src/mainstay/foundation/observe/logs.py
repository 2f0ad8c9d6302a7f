"""Log lines: one event each, with what it is about, and with every secret blanked.

What a line is about (a route's template, a receipt, a due row) is said once, around the work:

    with about(receipt=receipt):
        …every line that is logged in here carries it, in whatever room…

It follows the work into threads and tasks that begin in there. Values are ids and templates, never
a path, a query, a header or a body: those may hold a secret.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from mainstay.foundation.clock import to_text
from mainstay.foundation.secrets import redactor

_ABOUT: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What would let a text move the cursor of a terminal, or turn its line around."""


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Lines logged in here carry these ids, beside those of the work around it."""
    token = _ABOUT.set({**(_ABOUT.get() or {}), **ids})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def begin(ids: dict[str, str]) -> None:
    """What the rest of this task is about; `ids` may be filled in as more becomes known.

    For the edge, where a request is a task of its own: one call, no clean-up.
    """
    _ABOUT.set(ids)


def learn(**ids: str) -> None:
    """More is known of what this work is about; nothing happens outside of any."""
    known = _ABOUT.get()
    if known is not None:
        known.update(ids)


def known(name: str) -> str:
    """What is known of this work under a name, or nothing."""
    return (_ABOUT.get() or {}).get(name, "")


def clean(text: str) -> str:
    """One line that cannot steer a terminal, whoever wrote it."""
    return _UNSAFE.sub("�", text.replace("\n", " ").replace("\t", " "))


class Lines(logging.Formatter):
    """One event a line, as text or JSON; in a text, a traceback follows."""

    def __init__(self, *, json_lines: bool, blank: Callable[[str], str]) -> None:
        super().__init__()
        self._json, self._blank = json_lines, blank

    def format(self, record: logging.LogRecord) -> str:
        at = to_text(datetime.fromtimestamp(record.created, tz=UTC))
        level, words = record.levelname.lower(), record.getMessage()
        trace = self.formatException(record.exc_info) if record.exc_info else None
        ids = _ABOUT.get() or {}
        if self._json:
            event = {"at": at, "level": level, "logger": record.name, "message": words, **ids}
            return self._blank(json.dumps({**event, "trace": trace} if trace else event))
        beside = "".join(f" {name}={clean(value)}" for name, value in ids.items())
        line = f"{at} {level:<7} {record.name}: {clean(words)}"
        line += f" [{beside.strip()}]" if beside else ""
        return self._blank(f"{line}\n{trace}" if trace else line)


def start_logs(
    *, level: str, json_lines: bool, secrets: Iterable[str], stream: TextIO | None = None
) -> None:
    """Send every line of this process to `stream` (stderr), with these secrets blanked."""
    lines = logging.StreamHandler(stream or sys.stderr)
    lines.setFormatter(Lines(json_lines=json_lines, blank=redactor(secrets)))
    root = logging.getLogger()
    root.handlers[:] = [lines]
    # What others write at debug level holds whole headers: theirs is only what is wrong.
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    logging.getLogger("mainstay").setLevel(level.upper())
