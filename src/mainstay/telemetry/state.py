"""The small file in which the process that keeps telemetry says that it lives, and what it has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import msgspec

from mainstay.foundation.clock import from_us
from mainstay.foundation.settings import Settings

FILE = "state.json"
SEEN_WITHIN = timedelta(seconds=30)
"""It says every second or so that it lives; longer ago than this, nobody keeps anything."""


class State(msgspec.Struct, frozen=True):
    """`counts`: what each door kept, refused and dropped since the start; sizes by kind."""

    at_us: int
    pid: int
    counts: Mapping[str, int] = {}
    sizes: Mapping[str, int] = {}


def last_state(folder: Path) -> State | None:
    """The newest; None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None


def write_state(folder: Path, state: State) -> None:
    """Whole or not at all. OSError when the disk does not take it."""
    draft = folder / f"{FILE}.tmp"
    draft.write_bytes(msgspec.json.encode(state))
    draft.replace(folder / FILE)


def folder_of(settings: Settings) -> Path:
    """Where telemetry is kept."""
    return settings.telemetry.folder or settings.data_dir / "telemetry"


def can_keep() -> bool:
    """Whether the extra [telemetry] is installed."""
    return find_spec("duckdb") is not None


def standing(settings: Settings, *, now: datetime) -> tuple[bool, str]:
    """Whether the keeping of telemetry is as it was ordered, and a sentence about it."""
    if not settings.telemetry.keep:
        return True, "No telemetry is kept here; telemetry.keep says so."
    if not can_keep():
        return False, (
            "Telemetry is to be kept, and the extra for it is not installed: "
            "pip install 'mainstay[telemetry]'."
        )
    state = last_state(folder_of(settings))
    if state is None or now - from_us(state.at_us) > SEEN_WITHIN:
        words = "Telemetry is to be kept, and nobody does: is mainstay serve up? Its log says why."
        return False, words
    sizes = ", ".join(f"{kind} {size >> 20} MiB" for kind, size in state.sizes.items())
    lost = sum(n for name, n in state.counts.items() if name.endswith(("refused", "dropped")))
    words = f"Telemetry is kept at {settings.telemetry.listen}: {sizes}"
    if lost:
        return True, f"{words}; {lost} items could not be read or taken since it began."
    return True, f"{words}."
