"""The screens of an edit: what can be changed, the form of one thing or the text of one file, and
below it what the change would do. Writing it is an act; until then nothing is kept anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from mainstay import acts
from mainstay.acts import commands
from mainstay.console.desk.editing.proposal import folder_of, need_folder, propose
from mainstay.console.desk.editing.things import KINDS, ROTATES, TIERS, Kind, kind
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Showing, Went
from mainstay.estate import BadEstate, File, Folder, rewritten
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound, Refused

HERE = "estate"
ROWS_MAX = 40
"""Of the text of a file; a longer one scrolls."""


def index(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What can be changed: services, schedules, policies, and each file as text."""
    folder, found = folder_of(reader), reader.view.estate
    asked = reader.query.get("q", "").strip().lower()[:80]
    things = {
        one: [name for name in getattr(found, one.collection) if asked in name] for one in KINDS
    }
    return {
        "title": "Change the estate", "where": "Estate", "things": things, "asked": asked,
        "files": list(folder.files.values()) if folder is not None else None,
    }  # fmt: skip


def thing(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The form of one thing as its file declares it; after a check, with what it would do."""
    of, name = _kind(reader), reader.query["id"]
    folder = need_folder(reader)
    there = folder.declared(of.collection, name)
    words: dict[str, Any] = {"fields": of.shown(there.values), "proposal": None, "problem": None}
    if reader.fields:
        try:
            wanted = of.wanted(there.values, lambda one: reader.text(one).strip())
            words["fields"] = of.shown(wanted)
            text = rewritten(there.file.text, (of.collection, name), wanted)
            words["proposal"] = propose(reader, folder, there.file, text)
        except Refused as error:
            words["problem"] = error
    return {
        "title": f"Change {name}", "where": "Estate", "kind": of, "name": name, "there": there,
        "estate": reader.view.estate, "rotates": ROTATES, "tiers": TIERS, **words,
    }  # fmt: skip


def text_of_file(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """One file as text; after a check, with what it would do."""
    folder = need_folder(reader)
    file = folder.file(reader.query.get("name") or reader.text("file"))
    words: dict[str, Any] = {"typed": file.text, "proposal": None, "problem": None}
    if "text" in reader.fields:
        words["typed"] = _typed(reader)
        try:
            words["proposal"] = propose(reader, folder, file, words["typed"])
        except Refused as error:
            words["problem"] = error
    return {"title": file.name, "where": "Estate", "file": file, "rows": ROWS_MAX, **words}


def patch_of(reader: Reader) -> str:
    """What would be changed, for `git apply`. Conflict when somebody changed the file meanwhile."""
    folder, file = _unchanged(reader)
    return folder.patch(file, _typed(reader))


def write(reader: Reader) -> Went:
    """The file is written and the estate put in force, or neither."""
    folder, file = _unchanged(reader)
    text = _typed(reader)
    proposal = propose(reader, folder, file, text)
    if proposal.estate is None:
        raise BadEstate(proposal.problems)
    digests = file.digest, hashlib.sha256(text.encode()).hexdigest()
    command = commands.Apply(proposal.estate, edited=commands.Edited(file.name, *digests))
    with folder.written(file, text):
        done = reader.act(command)
    return Went("/estate", f"{file.name} is written. {done.sentence}.")


def _unchanged(reader: Reader) -> tuple[Folder, File]:
    """The file that an edit was made against, if it still is what it was."""
    folder = need_folder(reader)
    file = folder.file(reader.text("file"))
    if file.digest != reader.text("base"):
        raise Conflict(
            f"{file.name} was changed meanwhile. Here is your text against it as it is now."
        )
    return folder, file


def _typed(reader: Reader) -> str:
    """The text as a file holds it: with an end to its last line."""
    text = reader.text("text")
    if "\0" in text:
        raise Invalid("A file holds text alone.", pointer="/text")
    return text if text.endswith("\n") or not text else f"{text}\n"


def _kind(reader: Reader) -> Kind:
    found = kind(reader.query["collection"])
    if found is None:
        raise NotFound("There is no form for these; change them in the text of their file.")
    return found


_THING = "/estate/edit/{collection}/{id}"
_FILE = "/estate/files/{name:path}"
SHOWINGS = (
    Showing("/estate/edit", "estate.plan", index, "estate_index.html", here=HERE),
    Showing(_THING, "estate.plan", thing, "estate_thing.html", here=HERE),
    Showing(_THING, "estate.plan", thing, "estate_thing.html", here=HERE, method="POST"),
    Showing(_FILE, "estate.plan", text_of_file, "estate_file.html", here=HERE),
    Showing(_FILE, "estate.plan", text_of_file, "estate_file.html", here=HERE, method="POST"),
)
FORMS = (Form("/estate/write", acts.PERMISSION[commands.Apply], write, back=SHOWINGS[-1]),)
