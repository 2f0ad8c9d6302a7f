"""What every screen stands on: templates, files, and where passwords are hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from mainstay.console.hashing import Hashing

KINDS = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
"""By the end of the name; a file of another kind is not served."""


class File(NamedTuple):
    """One file of the folder `static`; `tag` changes with its content."""

    content: bytes
    kind: str
    tag: str


@dataclass(frozen=True, slots=True)
class Kit:
    """Made once, handed to every visit."""

    templates: Environment
    files: Mapping[str, File]
    """Everything that is served, by name: a request never becomes a path."""
    hashing: Hashing


def make_kit() -> Kit:
    """Reads the templates and files that ship with this program."""
    templates = Environment(
        loader=PackageLoader("mainstay.console"),
        autoescape=True,
        undefined=StrictUndefined,  # a name that nobody gave is a fault, not a blank
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return Kit(templates, _files(), Hashing())


def _files() -> dict[str, File]:
    found = {}
    for entry in (resources.files("mainstay.console") / "static").iterdir():
        kind = KINDS.get(entry.name.rpartition(".")[2])
        if kind is not None and entry.is_file():
            content = entry.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            found[entry.name] = File(content, kind, tag)
    return found
