"""Does signing in tell nothing, forget nothing and let nobody guess? (P20, P21)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from browsing import PASSWORD, Visitor
from live import Live, live
from mainstay import acts, signin
from mainstay.foundation.settings.values import SignIn
from mainstay.signin import totp

NEW = "two herons on the roof"


@pytest.fixture
def mainstay(tmp_path: Path) -> Iterator[Live]:
    with live(tmp_path, run_loops=False) as running:
        yield running


@pytest.fixture
def mara(mainstay: Live) -> Visitor:
    """Signed in, and without any role: one's own account is one's own all the same."""
    visitor = Visitor(mainstay)
    assert visitor.join("mara").status == 303
    return visitor


def shown(body: bytes) -> str:
    """A screen without the name that was typed into it."""
    return re.sub(r'value="[^"]*"', "", body.decode())


def test_a_wrong_name_and_a_wrong_password_are_answered_alike(
    mainstay: Live, mara: Visitor
) -> None:
    answers = [Visitor(mainstay).sign_in(name, "wrong") for name in ("mara", "ben", "nobody")]
    assert {answer.status for answer in answers} == {401}
    assert len({shown(answer.body) for answer in answers}) == 1
    assert signin.WRONG in answers[0].body.decode()


def test_after_ten_failures_the_right_password_waits_too_and_for_nobody_it_is_the_same(
    mainstay: Live, mara: Visitor
) -> None:
    for name in ("mara", "nobody"):
        mainstay.runtime.db.run(lambda tx: tx.run("DELETE FROM signin_try"))
        statuses = [Visitor(mainstay).sign_in(name, "wrong").status for _ in range(11)]
        assert statuses == [401] * 10 + [429]
        late = Visitor(mainstay).sign_in(name)
        assert (late.status, late.headers["retry-after"].isdecimal()) == (429, True)
    assert mara.get("/account").status == 200  # whoever is in stays in


def test_many_tries_at_once_do_not_pass_the_limit(mainstay: Live, mara: Visitor) -> None:
    app, origin = mainstay.runtime, signin.Origin("192.0.2.1")
    now = app.clock.now()
    begun = 0
    for _ in range(30):  # none of them finishes
        try:
            app.db.run(
                lambda tx: signin.begin(tx, app.ground.ids, name="mara", origin=origin, now=now)
            )
            begun += 1
        except Exception:
            continue
    assert begun == 10


def test_who_is_locked_out_still_acknowledges_by_the_link_of_a_page(tmp_path: Path) -> None:
    with live(tmp_path) as mainstay:
        mara = Visitor(mainstay)
        mara.join("mara", "responder")
        for _ in range(11):
            Visitor(mainstay).sign_in("mara", "wrong")
        assert Visitor(mainstay).sign_in("mara").status == 429
        body = [{"labels": {"alertname": "X", "service": "pay-api", "severity": "critical"}}]
        mainstay.call("POST", "/api/v2/alerts", body, key=mainstay.key("prometheus"))
        url = mainstay.phone("mara").wait(1).ack_url
        assert url is not None
        answer = mainstay.call("POST", url[url.index("/a/") :], b"")
        assert (answer.status, b"You have it now" in answer.body) == (200, True)


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(
    mainstay: Live, mara: Visitor
) -> None:
    other = Visitor(mainstay)
    other.sign_in("mara")
    words = {"old": "wrong", "password": NEW, "again": NEW}
    assert mara.post("/account/password", words).status == 400
    assert mara.post("/account/password", words | {"old": PASSWORD, "again": "x"}).status == 400
    assert other.get("/account").status == 200
    assert mara.post("/account/password", words | {"old": PASSWORD}).status == 303
    assert (mara.get("/account").status, other.get("/account").status) == (200, 303)
    assert (other.sign_in("mara").status, other.sign_in("mara", NEW).status) == (401, 303)


def test_a_screen_left_open_is_no_place_to_guess_the_password(mara: Visitor) -> None:
    words = {"old": "wrong", "password": NEW, "again": NEW}
    statuses = [mara.post("/account/password", words).status for _ in range(11)]
    assert statuses[-1] == 400
    late = mara.post("/account/password", words | {"old": PASSWORD})
    assert "Too many tries" in late.body.decode()


# -- one-time codes --------------------------------------------------------------------------------


def set_up(visitor: Visitor) -> tuple[str, list[str]]:
    """The secret and the recovery codes."""
    assert visitor.post("/account/codes/begin").status == 303
    screen = visitor.get("/account/codes").body.decode()
    assert "<svg" in screen
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', screen)
    assert found is not None
    secret = found[1].replace(" ", "")
    clock = visitor.mainstay.runtime.clock
    code = totp.code_at(secret, totp.step_of(clock.now()))
    done = visitor.post("/account/codes", {"code": code})
    assert done.status == 200
    return secret, re.findall(r"<li><code>([a-z2-7-]+)</code>", done.body.decode())


def test_with_codes_on_the_password_alone_opens_nothing(mainstay: Live, mara: Visitor) -> None:
    secret, recovery = set_up(mara)
    other = Visitor(mainstay)
    assert other.sign_in("mara").status == 401
    assert other.sign_in("mara", code="000000").status == 401
    step = totp.step_of(mainstay.runtime.clock.now())
    assert other.sign_in("mara", code=totp.code_at(secret, step + 1)).status == 303
    again = Visitor(mainstay)
    assert again.sign_in("mara", code=totp.code_at(secret, step + 1)).status == 401  # a replay
    assert again.sign_in("mara", "wrong", code=recovery[0]).status == 401
    assert again.sign_in("mara", code=recovery[0]).status == 303  # not spent by the wrong password


def test_codes_are_turned_off_with_the_password_or_by_an_administrator(
    mainstay: Live, mara: Visitor
) -> None:
    set_up(mara)
    assert mara.post("/account/codes/end", {"old": "wrong"}).status == 400
    assert mara.post("/account/codes/end", {"old": PASSWORD}).status == 303
    assert Visitor(mainstay).sign_in("mara").status == 303
    set_up(mara)
    mainstay.act(acts.commands.TurnOffTotp("mara"))
    assert Visitor(mainstay).sign_in("mara").status == 303


def test_where_codes_are_required_nothing_else_opens_before_they_are_set_up(tmp_path: Path) -> None:
    with live(tmp_path, run_loops=False, sign_in=SignIn(totp="required")) as mainstay:
        mara = Visitor(mainstay)
        mara.join("mara", "admin")
        for path in ("/", "/account", "/accounts"):
            reply = mara.get(path)
            assert (reply.status, reply.headers["location"]) == (303, "/account/codes")
        runtime = mara.mainstay.runtime
        runtime.db.run(lambda tx: signin.totp.begin(tx, "mara", ring=runtime.ground.ring))
        csrf = re.search(r'name="csrf" value="(\w+)"', mara.get("/account/codes").body.decode())
        assert csrf is not None
        assert mara.post("/accounts", {"csrf": csrf[1], "person": "ben"}, csrf=False).status == 303
        secret = runtime.db.read(
            lambda tx: signin.totp.pending(tx, "mara", ring=runtime.ground.ring)
        )
        assert secret is not None
        code = totp.code_at(secret, totp.step_of(mainstay.runtime.clock.now()))
        fields = {"csrf": csrf[1], "code": code}
        assert mara.post("/account/codes", fields, csrf=False).status == 200
        assert mara.get("/account").status == 200
        assert mara.post("/account/codes/end", {"old": PASSWORD}).status == 400


# -- sessions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "age", "status"),
    [
        ("seen_at", timedelta(hours=11, minutes=59), 200),
        ("seen_at", timedelta(hours=12), 303),
        ("made_at", timedelta(days=6, hours=23), 200),
        ("made_at", timedelta(days=7), 303),
    ],
)
def test_a_session_is_over_after_twelve_idle_hours_and_after_seven_days(
    mainstay: Live, mara: Visitor, column: str, age: timedelta, status: int
) -> None:
    by = int(age.total_seconds() * 1_000_000)
    sql = f"UPDATE signin_session SET {column} = {column} - :by"
    mainstay.runtime.db.run(lambda tx: tx.run(sql, by=by))
    assert mara.get("/account").status == status


def test_ones_sessions_are_listed_and_each_can_be_ended(mainstay: Live, mara: Visitor) -> None:
    other = Visitor(mainstay)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    fields = {"name": "mara", "password": PASSWORD}
    other.post("/sign-in", fields, User_Agent=agent)
    screen = mara.get("/account").body.decode()
    assert "Firefox on Linux" in screen
    name = mainstay.rows("SELECT id FROM signin_session WHERE how = 'password'")[0][0]
    ben = Visitor(mainstay)
    ben.join("ben", "lead")
    assert ben.post(f"/account/sessions/{name}/end").status == 404
    assert mara.post(f"/account/sessions/{name}/end").status == 303
    assert (other.get("/account").status, mara.get("/account").status) == (303, 200)


def test_an_address_behind_a_proxy_is_believed_from_listed_proxies_alone(tmp_path: Path) -> None:
    for proxies, expected in (((), "127.0.0.1"), (("127.0.0.1",), "203.0.113.7")):
        folder = tmp_path / expected
        folder.mkdir()
        with live(folder, run_loops=False, behind_proxy=proxies) as mainstay:
            visitor = Visitor(mainstay)
            visitor.join("mara")
            fields = {"name": "mara", "password": PASSWORD}
            visitor.post("/sign-in", fields, X_Forwarded_For="198.51.100.1, 203.0.113.7")
            sql = "SELECT address FROM signin_session WHERE how = 'password'"
            assert mainstay.rows(sql) == [(expected,)]
