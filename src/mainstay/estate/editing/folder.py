"""The folder of an estate: its files as they are, what one of them would be, and writing that.

A file is written only where it still holds what its reader saw, whole or not at all, and never
through a link: what a link leads to is somebody else's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from mainstay.estate.editing.patches import patch
from mainstay.estate.read import Checked, check, files
from mainstay.estate.reading import yaml_text
from mainstay.estate.reading.yaml_text import plain
from mainstay.foundation.errors import Conflict, Forbidden, NotFound


@dataclass(frozen=True, slots=True)
class File:
    """One file. `name` is its path within the folder; `called`: as messages call it."""

    name: str
    called: str
    path: Path
    text: str
    is_crlf: bool
    """Its lines end as on Windows; `text` does not show that, what is written keeps it."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex): what a change was made against."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def bytes_of(self, text: str) -> bytes:
        """What the file would hold with this text."""
        return (text.replace("\n", "\r\n") if self.is_crlf else text).encode()


@dataclass(frozen=True, slots=True)
class Declared:
    """A thing as its file declares it: text, numbers and lists as they stand there."""

    file: File
    line: int
    values: Any


@dataclass(frozen=True, slots=True)
class Folder:
    """The readable files of a folder, as they were when it was opened."""

    root: Path
    files: Mapping[str, File]

    def file(self, name: str) -> File:
        """One of its files by its name; NotFound for anything else. A name never becomes a path."""
        found = self.files.get(name)
        if found is None:
            raise NotFound("The estate folder has no such file.")
        return found

    def declared(self, collection: str, id_: str) -> Declared:
        """Where a thing is declared, and what stands there. NotFound when no file does."""
        for file in self.files.values():
            root, _ = yaml_text.load(file.text.encode(), file.called)
            things = root.mapping.get(collection) if root is not None else None
            if things is not None and id_ in things.mapping:
                return Declared(file, things.keys[id_].line, plain(things.mapping[id_]))
        raise NotFound(f"No file of the estate folder declares {collection} {id_[:80]!r}.")

    def checked(self, file: File, text: str, *, today: date) -> Checked:
        """What `mainstay check` would say, with this text in the file."""
        return check(self.root, today=today, instead={file.called: file.bytes_of(text)})

    def patch(self, file: File, text: str) -> str:
        """The patch that makes `text` of the file: for the top of the repository it lies in, if any."""
        top = next(
            (one for one in (self.root, *self.root.parents) if (one / ".git").exists()), None
        )
        name = file.path.relative_to(top or self.root).as_posix()
        before = file.text.replace("\n", "\r\n") if file.is_crlf else file.text
        return patch(name, before, file.bytes_of(text).decode())

    def may_write(self, file: File) -> bool:
        """Whether this process could write it."""
        return not _is_linked(self.root, file.path) and os.access(file.path.parent, os.W_OK)

    @contextmanager
    def written(self, file: File, text: str) -> Iterator[None]:
        """Within, the file holds `text`; an exception there brings back what it held.

        Conflict when somebody changed it meanwhile; Forbidden where it cannot be written.
        """
        with _alone(self.root):
            now = open_folder(self.root).files.get(file.name)
            if now is None or now.digest != file.digest:
                raise Conflict(f"{file.name} was changed meanwhile; look at it again.")
            if not self.may_write(file):
                raise Forbidden(f"{file.name} cannot be written here; take the patch instead.")
            before = file.path.read_bytes()
            _replace(file.path, file.bytes_of(text))
            try:
                yield
            except BaseException:
                _replace(file.path, before)
                raise


def open_folder(root: Path) -> Folder:
    """The folder as it is now. Files that are no UTF-8 text, or too large, are left out."""
    found = {}
    for called, path in files(root).items():
        name = path.relative_to(root).as_posix()
        with suppress(OSError, UnicodeDecodeError):
            text = path.read_bytes().decode()
            if len(text) <= yaml_text.SIZE_MAX:
                is_crlf = "\r\n" in text and text.count("\n") == text.count("\r\n")
                plain_text = text.replace("\r\n", "\n") if is_crlf else text
                found[name] = File(name, called, path, plain_text, is_crlf)
    return Folder(root, found)


def _is_linked(root: Path, path: Path) -> bool:
    return path.resolve() != root.resolve() / path.relative_to(root)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Nobody else of this machine writes this folder through Mainstay meanwhile."""
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Forbidden("The estate folder cannot be opened; take the patch instead.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, data: bytes) -> None:
    """The file holds `data`, durably, or what it held before."""
    fresh = path.with_name(f".{path.name}.mainstay")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        words = f"{path.name} cannot be written ({error.strerror}); take the patch instead."
        raise Forbidden(words) from error
