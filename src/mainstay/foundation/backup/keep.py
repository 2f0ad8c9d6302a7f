"""Which backups of a folder are kept."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from mainstay.foundation.clock import EPOCH

_NAME = re.compile(r"mainstay-(\d{8}T\d{6}Z)\.zip(\.sealed)?")
_PART = re.compile(r"\.mainstay-\d{8}T\d{6}Z.*\.part")
PART_AGE = timedelta(hours=6)
"""After this, what a killed backup has left is nobody's."""


def prune(folder: Path, *, keep: int, keep_days: int, now: datetime) -> list[Path]:
    """Delete the backups made by themselves that are not kept; which they were.

    Kept are the newest `keep`, and of each of the last `keep_days` days its last one. Others'
    files, and backups that were made by hand or before an upgrade, are never touched.
    """
    found = {path: at for path in folder.iterdir() if (at := made_at(path.name)) is not None}
    gone = sorted(set(found) - set(_kept(found.items(), keep=keep, keep_days=keep_days, now=now)))
    for path in gone:
        path.unlink(missing_ok=True)
    _sweep(folder, now)
    return gone


def made_at(name: str) -> datetime | None:
    """The instant in the name of a backup that was made by itself; None for any other name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1] + "+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError:
        return None


def _kept(
    found: Iterable[tuple[Path, datetime]], *, keep: int, keep_days: int, now: datetime
) -> list[Path]:
    newest_first = sorted(found, key=lambda one: (one[1], one[0].name), reverse=True)
    kept = [path for path, _ in newest_first[:keep]]
    days: set[object] = set()
    for path, at in newest_first:
        if at.date() not in days and now.date() - at.date() < timedelta(days=keep_days):
            days.add(at.date())
            kept.append(path)
    return kept


def _sweep(folder: Path, now: datetime) -> None:
    for path in folder.iterdir():
        if _PART.fullmatch(path.name):
            with contextlib.suppress(OSError):
                if EPOCH + timedelta(seconds=path.stat().st_mtime) < now - PART_AGE:
                    path.unlink()
