"""Packed files: what their names say, so that most questions never open most of them.

cold/SERVICE/FIRST-LAST-NUMBER.parquet     instants in microseconds, number of the hot file
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

NAME_MAX = 200
"""Bytes of a folder's name; file systems have 255."""
_NAME = re.compile(r"(-?\d+)_(-?\d+)_(\d+)\.parquet")


@dataclass(frozen=True, slots=True)
class Part:
    """One packed file."""

    path: Path
    folder: str
    first_us: int
    last_us: int
    number: int
    size: int


def packed_name(service: str, first_us: int, last_us: int, number: int) -> str:
    """Below the folder of packed files; any name of a service makes a lawful one."""
    return f"{folder_of(service)}/{first_us}_{last_us}_{number}.parquet"


def folder_of(service: str) -> str:
    """The folder of a service's packed files; that of a very long name ends in its hash."""
    name = "=" + quote(service, safe="")
    if len(name) > NAME_MAX:
        name = name[: NAME_MAX - 17] + "-" + sha256(service.encode()).hexdigest()[:16]
    return name


def parts_in(folder: Path) -> Iterator[Part]:
    """All packed files, in no order. What is not named like one is left alone."""
    for path in folder.glob("=*/*.parquet"):
        found = _NAME.fullmatch(path.name)
        if found is not None:
            first, last, number = (int(one) for one in found.groups())
            try:
                size = path.stat().st_size
            except FileNotFoundError:  # forgotten at this moment
                continue
            yield Part(path, path.parent.name, first, last, number, size)
