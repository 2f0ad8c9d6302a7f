"""Does only somebody signed in, from our own pages, pass the gate of the console? (P20)"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from browsing import PASSWORD, Visitor
from live import Live, live
from mainstay.console import OPEN, SCREENS, SELF, Screen
from mainstay.foundation.errors import Impossible
from mainstay.people import ROLES, allowed

FORMS = [screen for screen in SCREENS if screen.method == "POST"]


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("gate"), run_loops=False) as running:
        yield running


@pytest.fixture(scope="module")
def mara(mainstay: Live) -> Visitor:
    """Signed in, as an admin."""
    visitor = Visitor(mainstay)
    assert visitor.join("mara", "admin").status == 303
    return visitor


def at(screen: Screen) -> str:
    return re.sub(r"\{[\w:]+\}", "nothing-here", screen.path)


def test_a_screen_that_declares_no_permission_cannot_be_made() -> None:
    with pytest.raises(Impossible, match="declares no permission"):
        Screen("GET", "/x", "cake.eat", print)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda s: f"{s.method} {s.path}")
def test_somebody_unknown_is_sent_to_the_sign_in_screen(mainstay: Live, screen: Screen) -> None:
    if screen.permission == OPEN:
        return
    visitor = Visitor(mainstay)
    ask = visitor.get if screen.method == "GET" else visitor.post
    for cookie in ("", "x" * 43):
        visitor.cookie = cookie
        reply = ask(at(screen))
        assert (reply.status, reply.headers["location"].partition("?")[0]) == (303, "/sign-in")


@pytest.fixture(scope="module")
def by_role(mainstay: Live) -> dict[str, Visitor]:
    """Somebody of each role, signed in."""
    visitors = {role: Visitor(mainstay) for role in ROLES}
    for role, visitor in visitors.items():
        assert visitor.join(f"one-{role}", role).status == 303
    return visitors


@pytest.mark.parametrize("role", ROLES)
def test_a_role_passes_the_gate_where_the_table_says_so_and_nowhere_else(
    by_role: dict[str, Visitor], role: str
) -> None:
    visitor = by_role[role]
    for screen in SCREENS:
        if screen.permission in (OPEN, SELF):
            continue
        ask = visitor.get if screen.method == "GET" else visitor.post
        reply = ask(at(screen))
        refused = reply.status == 403 and b"may do this" in reply.body
        assert refused is not allowed(role, screen.permission), (screen, reply.status)


def test_a_part_of_a_screen_is_answered_so_that_htmx_goes_there(mainstay: Live) -> None:
    reply = Visitor(mainstay).get("/", HX_Request="true")
    assert (reply.status, reply.headers["hx-redirect"]) == (401, "/sign-in")
    assert Visitor(mainstay).get("/", Accept="text/event-stream").status == 401


@pytest.mark.parametrize("screen", FORMS, ids=lambda s: s.path)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_form_of_another_site_does_nothing(
    mara: Visitor, screen: Screen, headers: dict[str, str]
) -> None:
    reply = mara.post(at(screen), **headers)
    assert reply.status == 403
    assert mara.get("/").status == 200


@pytest.mark.parametrize("screen", FORMS, ids=lambda s: s.path)
def test_a_form_without_the_token_of_its_session_does_nothing(
    mara: Visitor, screen: Screen
) -> None:
    assert mara.post(at(screen), csrf=False).status == 403
    other = Visitor(mara.mainstay)
    other.join("ben")
    assert mara.post(at(screen), {"csrf": other.csrf}, csrf=False).status == 403
    assert mara.get("/").status == 200


def test_a_program_may_send_the_token_as_a_header(mainstay: Live) -> None:
    ben = Visitor(mainstay)
    ben.join("ben")
    assert ben.post("/sign-out", csrf=False, X_CSRF_Token=ben.csrf).status == 303


@pytest.mark.parametrize("path", ["/", "/sign-in", "/welcome/x", "/static/door.css", "/nothing"])
def test_every_answer_carries_the_headers(mara: Visitor, path: str) -> None:
    reply = mara.get(path, Accept="text/html")
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cross-origin-opener-policy"] == "same-origin"
    if "static" not in path:
        assert reply.headers["cache-control"] == "no-store"


def test_the_cookie_is_bound_to_this_host_and_hidden_from_scripts(mainstay: Live) -> None:
    given = Visitor(mainstay).join("head").headers["set-cookie"]
    assert given.startswith("__Host-mainstay=")
    parts = {part.strip().lower() for part in given.split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)


def test_the_id_of_a_session_is_new_at_each_sign_in_and_the_old_one_is_over(mainstay: Live) -> None:
    ben = Visitor(mainstay)
    ben.join("ben")
    before = ben.cookie
    assert ben.sign_in("ben").status == 303
    assert ben.cookie != before
    assert Visitor(mainstay, before).get("/").status == 303


def test_signing_out_ends_the_session_itself(mainstay: Live) -> None:
    ben = Visitor(mainstay)
    ben.join("ben")
    before = ben.cookie
    ben.post("/sign-out")
    assert ben.cookie == ""
    assert Visitor(mainstay, before).get("/").status == 303


def test_after_signing_in_one_goes_on_to_a_path_of_ours_alone(mainstay: Live) -> None:
    ben = Visitor(mainstay)
    ben.join("ben")
    for wanted, on in (
        ("/alerts", "/alerts"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ):
        fields = {"name": "ben", "password": PASSWORD, "next": wanted}
        assert ben.post("/sign-in", fields).headers["location"] == on


def test_only_the_digest_of_a_session_is_stored(mara: Visitor) -> None:
    rows = mara.mainstay.rows("SELECT * FROM signin_session")
    assert mara.cookie not in str(rows)


def test_a_file_is_found_by_its_name_and_never_by_a_path(mainstay: Live) -> None:
    visitor = Visitor(mainstay)
    for name in ("../gate.py", "%2e%2e/gate.py", "/etc/passwd", "door.css/../../gate.py", ""):
        assert visitor.get(f"/static/{name}").status == 404
    tag = visitor.get("/static/door.css").headers["etag"]
    assert visitor.get("/static/door.css", If_None_Match=tag).status == 304
