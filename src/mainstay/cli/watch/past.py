"""How checks stood over time, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from mainstay.cli.desk import Desk


def stretches(desk: Desk, found: Sequence[Mapping[str, Any]]) -> None:
    """Each day, week or month: the share in which nothing failed, and how long it did not hold."""
    desk.rows(
        found,
        {
            "from": lambda one: desk.look.when(one["start"]),
            "available": _share,
            "failing": lambda one: _span(one["fail_s"]),
            "warning": lambda one: _span(one["warn_s"]),
        },
        empty="Nothing is kept of that time.",
    )


def _share(one: Mapping[str, Any]) -> Text:
    share = one["availability"]
    if share is None:
        return Text("not seen", style="dim")
    return Text(f"{100 * share:.3f} %", style="" if share == 1 else "yellow")


def _span(seconds: float) -> Text:
    return Text(f"{seconds / 60:.0f} min" if seconds else "", style="dim")
