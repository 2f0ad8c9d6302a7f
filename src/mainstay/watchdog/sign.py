"""The watchdog's sign of life: a small file in the data folder, written after each look.

`mainstay status`, `/metrics` and whoever keeps the watchdog read it; so does the next watchdog, so
that what was told is not told again only because this process was replaced.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from mainstay.foundation.clock import from_us, to_us
from mainstay.watchdog.findings import Finding
from mainstay.watchdog.telling import Told

FILE = "watchdog.json"


@dataclass(frozen=True, slots=True)
class Sign:
    """One look: when, how long it took, what it found, and whether the heartbeat went out."""

    at: datetime
    pid: int
    took_s: float
    findings: tuple[Told, ...]
    beat_at: datetime | None = None
    """When the outside heartbeat was last pinged; None: never, or there is none."""

    def known(self) -> dict[str, Told]:
        """What stood then, by key."""
        return {one.finding.key: one for one in self.findings}


def last_sign(data_dir: Path) -> Sign | None:
    """The newest; None where there is none, or none that can be read."""
    try:
        found = msgspec.json.decode((data_dir / FILE).read_bytes())
        return Sign(
            from_us(found["at"]), found["pid"], found["took_s"],
            tuple(_told(one) for one in found["findings"]), _instant(found["beat_at"]),
        )  # fmt: skip
    except (OSError, msgspec.DecodeError, KeyError, TypeError, OverflowError):
        return None


def write_sign(data_dir: Path, sign: Sign) -> None:
    """Whole or not at all, for its owner alone. OSError when the disk does not take it."""
    body = msgspec.json.encode({
        "at": to_us(sign.at), "pid": sign.pid, "took_s": sign.took_s,
        "beat_at": None if sign.beat_at is None else to_us(sign.beat_at),
        "findings": [_stored(one) for one in sign.findings],
    })  # fmt: skip
    fresh = data_dir / f"{FILE}.new"
    number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(body)
    fresh.replace(data_dir / FILE)


def _stored(told: Told) -> dict[str, Any]:
    finding = told.finding
    return {
        "key": finding.key, "title": finding.title, "sentence": finding.sentence,
        "since": to_us(told.since),
        "told_at": None if told.told_at is None else to_us(told.told_at),
    }  # fmt: skip


def _told(found: dict[str, Any]) -> Told:
    finding = Finding(found["key"], found["title"], found["sentence"])
    return Told(finding, from_us(found["since"]), _instant(found["told_at"]))


def _instant(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)
