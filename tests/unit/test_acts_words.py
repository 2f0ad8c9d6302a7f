"""How does an act tell people when something is?"""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from mainstay.acts.done import Act


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 22, 7, 53, 45, tzinfo=UTC), "Sun 22 Nov 08:53 CET"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Fri 1 Jan 00:30 CET 2027"),
    ],
)
def test_a_time_is_said_in_the_zone_of_the_organisation_and_with_the_year_if_it_is_another(
    at: datetime, said: str
) -> None:
    nothing: Any = None
    view: Any = SimpleNamespace(
        estate=SimpleNamespace(org=SimpleNamespace(timezone="Europe/Zurich"))
    )
    now = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
    assert Act(nothing, nothing, view, nothing, now).when(at) == said
