"""What the estate tells the process that keeps telemetry: a file that it looks at again and again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mainstay.estate.collections import Estate
from mainstay.foundation.errors import Invalid


class Exporter(msgspec.Struct, frozen=True):
    """What is scraped, whose it is, how often."""

    service: str
    url: str
    every_s: float
    user: str | None = None
    secret: str | None = None
    """A reference, never the secret itself."""


class Told(msgspec.Struct, frozen=True):
    """Rules for blanking (name → pattern), exporters by id, and what of the private network may be
    called."""

    blanks: dict[str, str] = {}
    exporters: dict[str, Exporter] = {}
    allow: tuple[str, ...] = ()


def told_by(estate: Estate, allow: tuple[str, ...]) -> Told:
    """Of one version of the estate."""
    exporters = {
        id_: Exporter(one.services[0], one.url, one.every.total_seconds(), one.user, one.secret)
        for id_, one in estate.telemetry.items()
        if one.exporter
    }
    return Told({id_: one.pattern for id_, one in estate.blanks.items()}, exporters, allow)


def write_told(path: Path, told: Told) -> None:
    """Whole or not at all. OSError when the disk does not take it."""
    draft = path.with_suffix(".tmp")
    draft.write_bytes(msgspec.json.encode(told))
    draft.replace(path)


def read_told(path: Path) -> Told:
    """Invalid if it is not there or is none: without it, nobody would know what to blank."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Told)
    except OSError as error:
        raise Invalid(f"Cannot read {path}: {error.strerror}.") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Invalid(f"{path} does not hold what the estate tells: {error}.") from None
