"""May each role see and do on each screen of the console what the one table says? (P29)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from browsing import Visitor
from live import Live, live
from mainstay.console import OPEN, SCREENS, Screen
from mainstay.people import PERMISSIONS, ROLES, allowed

SELF = "self"
TRIED = [one for one in SCREENS if one.permission not in (OPEN, SELF)]
ROLES_TRIED = ("viewer", "responder", "admin", "auditor", "stakeholder")


@pytest.fixture
def mainstay(tmp_path: Path) -> Iterator[Live]:
    with live(tmp_path, run_loops=False) as running:
        yield running


def at(screen: Screen) -> str:
    return re.sub(r"\{[\w:]+\}", "nothing-here", screen.path)


@pytest.mark.parametrize("role", ROLES_TRIED)
def test_a_role_passes_where_the_table_says_so_and_nowhere_else(mainstay: Live, role: str) -> None:
    visitor = Visitor(mainstay)
    assert visitor.join("mara", role).status == 303
    wrong = []
    for screen in TRIED:
        reply = visitor.get(at(screen)) if screen.method == "GET" else visitor.post(at(screen))
        passes = reply.status != 403
        if passes != allowed(role, screen.permission) or reply.status >= 500:
            wrong.append((screen.method, screen.path, reply.status))
    assert wrong == []


def test_a_part_that_may_not_be_read_is_not_on_the_screen_either(mainstay: Live) -> None:
    visitor = Visitor(mainstay)
    visitor.join("ben", "stakeholder")
    html = visitor.get("/").body.decode()
    assert 'id="p-today-incidents"' in html
    for part in ("today-alerts", "today-services", "today-oncall", "today-proof"):
        assert f'id="p-{part}"' not in html


def test_the_roles_that_are_not_tried_differ_in_nothing_that_a_screen_asks() -> None:
    asked = {one.permission for one in TRIED} & PERMISSIONS.keys()
    tried = {frozenset(p for p in asked if allowed(role, p)) for role in ROLES_TRIED}
    rest = {role: frozenset(p for p in asked if allowed(role, p)) for role in ROLES}
    beyond = {role for role, may in rest.items() if not any(may <= other for other in tried)}
    assert beyond == set()
