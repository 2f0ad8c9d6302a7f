"""What every screen stands on: templates, files, and where passwords are hashed."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from mainstay.console.desk.render import equip
from mainstay.console.hashing import Hashing
from mainstay.console.stream import Watcher
from mainstay.runtime import Runtime

KINDS = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
"""By the end of the name; a file of another kind is not served."""
PACKED = ("png", "woff2")
"""Compressed by themselves."""


class File(NamedTuple):
    """One file of the folder `static`; `tag` changes with its content. `packed`: gzip, if smaller."""

    content: bytes
    kind: str
    tag: str
    packed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Kit:
    """Made once, handed to every visit."""

    templates: Environment
    files: Mapping[str, File]
    """Everything that is served, by name: a request never becomes a path."""
    hashing: Hashing
    watcher: Watcher
    sso: Any
    """The provider of single sign-on (`console.sso.provider.Provider`), or None."""


def make_kit(app: Runtime, sso: Any) -> Kit:
    """Reads the templates and files that ship with this program."""
    templates = Environment(
        loader=PackageLoader("mainstay.console"),
        autoescape=True,
        undefined=StrictUndefined,  # a name that nobody gave is a fault, not a blank
        trim_blocks=True,
        lstrip_blocks=True,
    )
    files = _files()
    equip(templates)
    templates.globals["asset"] = lambda name: f"/static/{name}?v={files[name].tag[1:13]}"
    return Kit(templates, files, Hashing(), Watcher(app), sso)


def _files() -> dict[str, File]:
    root = Path(str(resources.files("mainstay.console") / "static"))
    found = {}
    for path in sorted(root.rglob("*")):
        kind = KINDS.get(path.suffix[1:])
        if kind is not None and path.is_file():
            content = path.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            is_packed = path.suffix[1:] in PACKED
            packed = None if is_packed else gzip.compress(content, 9, mtime=0)
            found[path.relative_to(root).as_posix()] = File(content, kind, tag, packed)
    return found
