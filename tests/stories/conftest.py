"""The world that stories happen in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_world import ESTATE, World


@pytest.fixture
def world(tmp_path: Path, engine: str) -> Iterator[World]:
    """A fresh one, with the small estate above; mara is on call."""
    made = World(tmp_path, ESTATE)
    yield made
    made.app.close()
