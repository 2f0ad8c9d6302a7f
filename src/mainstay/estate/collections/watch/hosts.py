"""Hosts: the machines that checks look at, and how to get there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mainstay.estate.collections.text import Part, Reference


class Host(Part):
    """One machine. `pg-[01-02]` declares two; `%n` in a text is each one's id."""

    address: str
    """Its name or number on the network."""
    via: Literal["local", "ssh", "sftp", "winrm"] = "ssh"
    """How commands and files on it are reached. `local`: Mainstay runs there; `sftp`: its files alone; `winrm`: Windows."""
    user: str | None = None
    """Who signs in there. None: as the system's `ssh` decides."""
    port: Annotated[int, Field(ge=1, le=65535, strict=True)] | None = None
    """Of SSH, or of WinRM (5986, HTTPS). None: as the system's `ssh` decides."""
    key: Reference | None = None
    """The private key, `file:/path`. None: as the system's `ssh` decides."""
    known_hosts: str | None = None
    """A file with its host key. None: as the system's `ssh` decides; one that is unknown is not called."""
    database: str | None = None
    """Where its SQL is asked: `postgresql://user@pg-01/pay`, `sqlite:/path`; holds no password."""
    password: Reference | None = None
    """The database's, or with `via: winrm` the user's: `file:/path` or `env:NAME`."""
    tags: list[str] = []
    """Words that checks choose hosts by: `on: tag:db`."""
    about: str | None = None
    """What it is."""
