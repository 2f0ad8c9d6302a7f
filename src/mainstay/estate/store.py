"""The versions of the estate that were applied: immutable rows, the newest in force."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from mainstay.estate.collections import Estate
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx


@dataclass(frozen=True, slots=True)
class Version:
    """An estate as it was applied: who, when, and the SHA-256 (hex) of its canonical JSON."""

    version: int
    """1, 2, 3 …"""
    at: datetime
    actor: str
    digest: str
    estate: Estate


def canonical(estate: Estate) -> str:
    """The estate as JSON, the same for equal estates however their files were laid out."""
    values = json.loads(estate.model_dump_json(by_alias=True))
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parsed(body: str) -> Estate:
    """The estate that `canonical` wrote."""
    return Estate.model_validate_json(body)


def digest(estate: Estate) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(estate).encode()).hexdigest()


def save(tx: Tx, estate: Estate, *, actor: str, now: datetime) -> Version:
    """The version in force from now on. Nothing is written when it equals the newest."""
    newest = current(tx)
    if newest is not None and newest.digest == digest(estate):
        return newest
    number = 1 if newest is None else newest.version + 1
    saved = Version(number, now, actor, digest(estate), estate)
    tx.run(
        "INSERT INTO estate_version (version, at, actor, digest, body)"
        " VALUES (:version, :at, :actor, :digest, :body)",
        version=number,
        at=to_us(now),
        actor=actor,
        digest=saved.digest,
        body=canonical(estate),
    )
    return saved


def current(tx: Tx) -> Version | None:
    """The version in force; None before the first `apply`. Parses the whole estate: keep it."""
    return _version(tx.one("SELECT * FROM estate_version ORDER BY version DESC LIMIT 1"))


def current_number(tx: Tx) -> int:
    """The number of the version in force, 0 before the first; cheap, to notice a new one."""
    return int(tx.value("SELECT MAX(version) FROM estate_version") or 0)


def digest_of(tx: Tx, version: int) -> str | None:
    """The digest of one version, without parsing it."""
    digest: str | None = tx.value(
        "SELECT digest FROM estate_version WHERE version = :version", version=version
    )
    return digest


def get(tx: Tx, version: int) -> Version | None:
    """One version, or None."""
    return _version(
        tx.one("SELECT * FROM estate_version WHERE version = :version", version=version)
    )


def history(tx: Tx) -> list[Version]:
    """Every version, the newest first."""
    rows = tx.all("SELECT * FROM estate_version ORDER BY version DESC")
    return [version for row in rows if (version := _version(row))]


def _version(row: Row | None) -> Version | None:
    if row is None:
        return None
    return Version(
        row["version"], from_us(row["at"]), row["actor"], row["digest"], parsed(row["body"])
    )
