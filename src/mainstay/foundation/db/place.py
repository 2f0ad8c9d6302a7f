"""Where the database is: a file in the data folder, or a PostgreSQL server by its URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mainstay.foundation.secrets import resolve
from mainstay.foundation.settings import Settings

FILE = "mainstay.db"
"""SQLite's file in the data folder."""
PID_FILE = "mainstay.pid"
"""In the data folder; locked while a server runs."""


@dataclass(frozen=True, slots=True)
class Place:
    """SQLite's file, unless there is a `url`. The password is nowhere shown."""

    path: Path
    url: str = ""
    password: str | None = field(default=None, repr=False)

    @property
    def exists(self) -> bool:
        """Whether there is something to open; of a server only opening it can tell."""
        return bool(self.url) or self.path.is_file()

    def __str__(self) -> str:
        """For a person: the file, or the server and the database on it."""
        if not self.url:
            return str(self.path)
        parts = urlsplit(self.url)
        return f"{parts.netloc.rpartition('@')[2] or 'this machine'}{parts.path}"


def place_of(settings: Settings, *, environment: Mapping[str, str]) -> Place:
    """The database that the settings name. Invalid when its password cannot be read."""
    reference = settings.database_password
    password = resolve(reference, environment=environment) if reference else None
    return Place(settings.data_dir / FILE, settings.database, password)
