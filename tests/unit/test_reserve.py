"""Is the room kept, given back once, and known to be given back by whoever starts next?"""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from mainstay.foundation.reserve import FILE, Reserve

SIZE = 1 << 20
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much the disk has left, as the reserve is told."""
    left = [100 * SIZE]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, left[0]))
    return left


def test_it_takes_real_blocks_and_gives_them_back_once(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path, size_bytes=SIZE)
    assert not reserve.give_back(), "there was nothing to give"
    assert not reserve.is_used
    assert reserve.make()
    facts = (tmp_path / FILE).stat()
    assert (facts.st_size, facts.st_blocks * 512 >= SIZE) == (SIZE, True)
    assert facts.st_mode & 0o077 == 0
    assert reserve.give_back()
    assert (tmp_path / FILE).stat().st_blocks == 0
    assert reserve.is_used
    assert not reserve.give_back()


def test_whoever_starts_next_knows_that_it_was_given_back(tmp_path: Path, free: list[int]) -> None:
    first = Reserve(tmp_path, size_bytes=SIZE)
    first.make()
    first.give_back()
    free[0] = 2 * SIZE - 1
    second = Reserve(tmp_path, size_bytes=SIZE)
    assert second.is_used
    assert not second.make(), "it would be emptied again at once"
    assert second.is_used
    free[0] = 2 * SIZE
    assert second.make()
    assert not second.is_used


def test_where_there_was_never_room_signals_are_taken_all_the_same(
    tmp_path: Path, free: list[int]
) -> None:
    free[0] = SIZE
    reserve = Reserve(tmp_path, size_bytes=SIZE)
    assert not reserve.make()
    assert not reserve.is_used
    assert not (tmp_path / FILE).exists()


def test_a_size_of_nothing_keeps_nothing(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path, size_bytes=0)
    assert not reserve.make()
    assert not reserve.give_back()
    assert not (tmp_path / FILE).exists()


def test_a_backup_to_the_same_disk_would_eat_what_was_given_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path, size_bytes=SIZE)
    reserve.make()
    assert not reserve.is_eaten_by(tmp_path / "backups")
    reserve.give_back()
    assert reserve.is_eaten_by(tmp_path / "backups")
    assert not reserve.is_eaten_by(Path("/proc/self"))
