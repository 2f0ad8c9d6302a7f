"""What a person says of an item: typed answers within their bounds, files, and whether it is as it should be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from mainstay.estate import Answer, Item, View, wall_clock
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, OverLimit
from mainstay.foundation.ids import Ids
from mainstay.foundation.nearest import hint
from mainstay.handover.checklists import store
from mainstay.handover.checklists.lines import check_open, item_of
from mainstay.handover.checklists.store import File, Run

TEXT_MAX = 2_000
"""Characters of a typed answer, or of the words beside it."""
FILE_BYTES_MAX = 700_000
"""Of one file: in base 64 it still fits into a request."""
FILES_MAX = 20
"""Attached to one run."""
_NUMBER_MAX = 1e15
"""Beyond it a double no longer holds every cent."""
_PATH = re.compile(r"[/\\]")
_MEDIA = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"%PDF-", "application/pdf"),
)
"""By how a file begins, never by what its sender calls it."""


def answer(
    tx: Tx, view: View, run: Run, item: str, *, given: Mapping[str, Any], failed: bool,
    words: str, author: str, now: datetime,
) -> str:  # fmt: skip
    """Keep what a person says of an item; returns its state and why, in words.

    A number outside of its bounds makes the item fail, whatever the person thinks of it. Invalid,
    with a pointer, for an answer of another type, and for one that is missing.
    """
    check_open(run)
    asked = item_of(view, run, item)
    words = _text(words, "/words")
    if failed and not words:
        raise Invalid("Say what is wrong.", pointer="/words")
    attached = {one.field for one in store.files(tx, run.id) if one.item == item}
    answers = _checked(asked, given, attached, must=not failed)
    outside = [said for name, one in asked.answer.items() if (said := _outside(one, name, answers))]
    state = "failing" if failed or outside else "ok"
    because = "; ".join([*outside, *([words] if words else [])]) or _said(asked, answers)
    store.answer(
        tx, run.id, item, state=state, because=because, answers=answers, author=author, at=now
    )
    return f"{asked.manual}: {'failing' if state == 'failing' else 'as it should be'}, {because}"


def take_back(tx: Tx, view: View, run: Run, item: str, *, author: str, now: datetime) -> str:
    """The item is to do again; what was typed in stays as a start. Conflict when it is not answered."""
    check_open(run)
    asked = item_of(view, run, item)
    kept = store.answered(tx, run.id).get(item)
    if kept is None or kept.state is None:
        raise Conflict(f"{asked.manual} is not answered yet.")
    store.answer(
        tx, run.id, item, state=None, because="", answers=kept.answers, author=author, at=now
    )
    return f"{asked.manual} is to do again"


def attach(
    tx: Tx, ids: Ids, view: View, run: Run, item: str, field: str, *, name: str, content: bytes,
    author: str, now: datetime,
) -> File:  # fmt: skip
    """Keep a file for an item: a picture, a PDF or plain text, of at most `FILE_BYTES_MAX`."""
    check_open(run)
    asked = item_of(view, run, item)
    wanted = [one for one, what in asked.answer.items() if what.type == "file"]
    if field not in wanted:
        said = f"it takes {', '.join(wanted)}" if wanted else "it takes no file"
        raise Invalid(f"{item} has no file {field[:60]!r}; {said}.", pointer="/field")
    if len(content) > FILE_BYTES_MAX:
        raise OverLimit(
            f"The file is larger than {FILE_BYTES_MAX:,} bytes; send a smaller picture.",
            limit=FILE_BYTES_MAX, unit="bytes", status=413,
        )  # fmt: skip
    if len(store.files(tx, run.id)) >= FILES_MAX:
        raise OverLimit(
            f"{FILES_MAX} files are attached already; that is the most.",
            limit=FILES_MAX, unit="files",
        )  # fmt: skip
    file = File(
        id=ids.new("clf", now), run=run.id, item=item, field=field, name=_name(name),
        media=_media(content), size=len(content), sha256=sha256(content).hexdigest(),
        author=author, at=now,
    )  # fmt: skip
    store.insert_file(tx, file, content)
    return file


# -- answers by their type -------------------------------------------------------------------------


def _checked(
    item: Item, given: Mapping[str, Any], attached: set[str], *, must: bool
) -> dict[str, Any]:
    for name in given:
        if name not in item.answer:
            near = hint(name[:60], item.answer)
            raise Invalid(f"Nothing asks for {name[:60]!r}{near}.", pointer=f"/answers/{name[:60]}")
    answers = {}
    for name, asked in item.answer.items():
        where = f"/answers/{name}"
        if asked.type == "file":
            is_there = name in attached
        else:
            value = given.get(name)
            is_there = value is not None and value != ""
            if is_there:
                answers[name] = _value(asked, name, value, where)
        if must and not is_there and not asked.optional:
            raise Invalid(f"{name} is missing.", pointer=where)
    return answers


def _value(asked: Answer, name: str, value: Any, where: str) -> Any:
    """The answer in its type; doors hand on text or JSON alike."""
    match asked.type:
        case "number":
            return _number(name, value, where)
        case "yes-no":
            if value in (True, "yes"):
                return True
            if value in (False, "no"):
                return False
            raise Invalid(f"{name}: answer yes or no.", pointer=where)
        case "choice":
            if value not in asked.of:
                raise Invalid(f"{name}: choose one of {', '.join(asked.of)}.", pointer=where)
            return value
        case "time":
            try:
                return f"{wall_clock(value):%H:%M}"
            except ValueError:
                raise Invalid(
                    f'{name}: expected a time of day such as "07:04".', pointer=where
                ) from None
        case _:
            return _text(value, where)


def _number(name: str, value: Any, where: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not abs(number) <= _NUMBER_MAX:  # also what is not a number at all
        raise Invalid(f"{name}: expected a number such as 12.50.", pointer=where)
    return number


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise Invalid("Expected plain text.", pointer=where)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Invalid("This text holds half a character.", pointer=where) from None
    if len(value) > TEXT_MAX:
        raise Invalid(f"At most {TEXT_MAX:,} characters.", pointer=where)
    return value.strip()


def _outside(asked: Answer, name: str, answers: Mapping[str, Any]) -> str | None:
    """What is wrong with a number, by its bounds."""
    number = answers.get(name)
    if asked.type != "number" or number is None:
        return None
    unit = f" {asked.unit}" if asked.unit else ""
    if asked.min is not None and number < asked.min:
        return f"{name} is {number:g}{unit}, expected at least {asked.min:g}"
    if asked.max is not None and number > asked.max:
        return f"{name} is {number:g}{unit}, expected at most {asked.max:g}"
    return None


def _said(item: Item, answers: Mapping[str, Any]) -> str:
    """`amount 12.5 EUR, shown yes`; `done` where nothing was asked."""
    said = []
    for name, value in answers.items():
        unit = item.answer[name].unit
        words = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        words = f"{value:g}" if isinstance(value, float) else words
        said.append(f"{name} {words}{f' {unit}' if unit else ''}")
    return ", ".join(said) or "done"


# -- files -----------------------------------------------------------------------------------------


def _name(text: str) -> str:
    """The last part of a path, as plain text."""
    last = _PATH.split(_text(text, "/name"))[-1]
    name = "".join(c for c in last if c.isprintable()).strip(". ")
    if not name:
        raise Invalid("The file needs a name.", pointer="/name")
    return name[-120:]


def _media(content: bytes) -> str:
    for begins, media in _MEDIA:
        if content.startswith(begins):
            return media
    try:
        if content and b"\0" not in content and content.decode():
            return "text/plain"
    except UnicodeDecodeError:
        pass
    raise Invalid("Attach a PNG or JPEG picture, a PDF, or plain text (UTF-8).", pointer="/content")
