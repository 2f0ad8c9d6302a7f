"""Does single sign-on let in whoever the provider speaks of, and nobody on anybody else's word?"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwk

from browsing import Visitor
from fakes.openid import OpenId
from live import Live, Reply, live
from mainstay import acts, app
from mainstay.console.sso import BACK
from mainstay.foundation.errors import Invalid
from mainstay.foundation.settings import Oidc, Settings
from mainstay.foundation.settings.values import SignIn

MARA = {"sub": "42", "preferred_username": "mara", "groups": ["sre-payops", "it-audit", "other"]}
ROLES = ("sre-payops=responder/payops", "it-audit=auditor", "gone=lead/no-such-team")


@pytest.fixture
def provider() -> Iterator[OpenId]:
    with OpenId(user=dict(MARA)) as running:
        yield running


@contextmanager
def signing_on(folder: Path, provider: OpenId, **more: Any) -> Iterator[Live]:
    """A Mainstay whose people come in by this provider."""
    more = {"roles": ROLES, "client_secret": "env:OIDC_SECRET", **more}
    oidc = Oidc(issuer=provider.issuer, client_id="mainstay", **more)
    with live(
        folder, run_loops=False, sign_in=SignIn(oidc=oidc),
        environment={"OIDC_SECRET": "s3cret"},
    ) as mainstay:  # fmt: skip
        yield mainstay


@pytest.fixture
def mainstay(tmp_path: Path, provider: OpenId) -> Iterator[Live]:
    with signing_on(tmp_path, provider) as running:
        yield running


def at_provider(url: str) -> str:
    """What the browser is sent back to."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    location = connection.getresponse().headers["Location"]
    connection.close()
    return str(location)


def seeded(reply: Reply) -> str:
    """The cookie with the seed."""
    return reply.headers["set-cookie"].split(";")[0]


def come(visitor: Visitor, *, on: str = "/") -> Reply:
    """The whole way: there, and back again."""
    begun = visitor.get(f"/sign-in/sso?next={on}")
    assert begun.status == 303, begun.body
    back = urlsplit(at_provider(begun.headers["location"]))
    return visitor.get(f"{back.path}?{back.query}", Cookie=seeded(begun))


def test_somebody_whom_the_estate_names_comes_in_with_the_roles_of_their_groups(
    mainstay: Live, provider: OpenId
) -> None:
    mara = Visitor(mainstay)
    assert b"Single sign-on" in mara.get("/sign-in").body
    reply = come(mara, on="/account")
    assert (reply.status, reply.headers["location"]) == (303, "/account")
    screen = mara.get("/account").body.decode()
    assert "mara</span>, responder of payops and auditor" in screen
    assert "no-such-team" not in screen
    assert "<b>You have none:</b> you come in by single sign-on." in screen


def test_roles_follow_the_groups_and_what_was_given_by_hand_stays(
    mainstay: Live, provider: OpenId
) -> None:
    mara = Visitor(mainstay)
    come(mara)
    mainstay.act(acts.commands.GrantRole("mara", "viewer"))
    provider.user["groups"] = ["it-audit"]
    other = Visitor(mainstay)
    come(other)
    held = mainstay.rows(
        "SELECT role, origin FROM people_grant WHERE ended_at IS NULL ORDER BY role"
    )
    assert held == [("auditor", "oidc"), ("viewer", "hand")]
    assert mara.get("/account").status == 303  # other roles end the older sessions


def test_groups_may_stand_in_userinfo(tmp_path: Path, provider: OpenId) -> None:
    provider.hidden = ("groups",)
    with signing_on(tmp_path, provider) as mainstay:
        mara = Visitor(mainstay)
        come(mara)
        assert b"responder of payops" in mara.get("/account").body
        assert "/userinfo" in provider.asked


def test_a_public_client_proves_itself_by_pkce_alone(tmp_path: Path, provider: OpenId) -> None:
    provider.secret = None
    with signing_on(tmp_path, provider, client_secret=None) as mainstay:
        assert come(Visitor(mainstay)).status == 303


def test_a_mail_address_counts_if_it_is_verified_and_ones_own(
    tmp_path: Path, provider: OpenId
) -> None:
    provider.user = {"sub": "7", "email": "Mara@Example.org", "email_verified": True}
    with signing_on(tmp_path, provider, person="email") as mainstay:
        assert come(Visitor(mainstay)).status == 403
        mainstay.act(acts.commands.AddAddress("mara", "mail", "mara@example.org"))
        provider.user["email_verified"] = False
        assert come(Visitor(mainstay)).status == 403
        provider.user["email_verified"] = True
        assert come(Visitor(mainstay)).status == 303


# -- who is not let in -----------------------------------------------------------------------------


def test_somebody_whom_nobody_knows_here_stays_outside(mainstay: Live, provider: OpenId) -> None:
    provider.user = {"sub": "9", "preferred_username": "mallory", "groups": ["sre-payops"]}
    reply = come(Visitor(mainstay))
    assert (reply.status, b"nobody is called so here" in reply.body) == (403, True)
    assert mainstay.rows("SELECT * FROM signin_session") == []


def test_a_name_that_was_given_to_somebody_else_there_opens_nothing_here(
    mainstay: Live, provider: OpenId
) -> None:
    come(Visitor(mainstay))
    provider.user = MARA | {"sub": "43"}
    assert come(Visitor(mainstay)).status == 403
    provider.user = MARA | {"preferred_username": "renamed"}
    again = Visitor(mainstay)
    come(again)
    assert b"mara" in again.get("/account").body  # the tie counts, not the name


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "http://evil.example"}, {"aud": "another-program"}, {"nonce": "another"},
        {"nonce": None}, {"exp": 1_000_000_000}, {"exp": None}, {"sub": None},
        {"aud": ["mainstay", "another-program"]},
        {"aud": ["mainstay", "another-program"], "azp": "another-program"},
        {"azp": "another-program"},
    ],
    ids=str,
)  # fmt: skip
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    mainstay: Live, provider: OpenId, lie: dict[str, Any]
) -> None:
    provider.claims = lie
    assert come(Visitor(mainstay)).status == 403
    provider.claims = {}
    assert come(Visitor(mainstay)).status == 303


def test_an_id_token_that_somebody_else_signed_is_refused(mainstay: Live, provider: OpenId) -> None:
    provider.signer = jwk.RSAKey.generate_key(2048, {"kid": "one"})
    assert come(Visitor(mainstay)).status == 403
    provider.signer, provider.algorithm = (
        jwk.OctKey.import_key("s3cret" * 8, {"kid": "one"}),
        "HS256",
    )
    assert come(Visitor(mainstay)).status == 403


def test_a_provider_may_change_its_keys(mainstay: Live, provider: OpenId) -> None:
    assert come(Visitor(mainstay)).status == 303
    provider.change_key()
    assert come(Visitor(mainstay)).status == 303
    provider.signer = jwk.RSAKey.generate_key(2048, {"kid": "three"})
    for _ in range(3):
        assert come(Visitor(mainstay)).status == 403
    assert provider.asked.count("/keys") == 2  # forgeries do not make us hammer the provider


def test_an_answer_counts_for_the_browser_that_asked_and_once(
    mainstay: Live, provider: OpenId
) -> None:
    victim, attacker = Visitor(mainstay), Visitor(mainstay)
    begun = attacker.get("/sign-in/sso")
    back = urlsplit(at_provider(begun.headers["location"]))
    path = f"{back.path}?{back.query}"
    assert victim.get(path).status == 403  # no seed: a planted answer (log-in CSRF)
    other = victim.get("/sign-in/sso")
    assert victim.get(path, Cookie=seeded(other)).status == 403
    reply = attacker.get(path, Cookie=seeded(begun))
    assert reply.status == 303
    assert "__Host-mainstay-sso=" in str(reply.headers)
    assert Visitor(mainstay).get(path, Cookie=seeded(begun)).status == 403  # the code is spent


def test_what_is_sent_to_the_provider_holds_no_secret(mainstay: Live, provider: OpenId) -> None:
    begun = Visitor(mainstay).get("/sign-in/sso")
    query = parse_qs(urlsplit(begun.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [mainstay.runtime.settings.public_url + BACK]
    seed = seeded(begun).partition("=")[2]
    assert not any(text in begun.headers["location"] for text in (seed, "s3cret"))


def test_a_refusal_at_the_provider_is_told(mainstay: Live) -> None:
    visitor = Visitor(mainstay)
    begun = visitor.get("/sign-in/sso")
    state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
    path = f"{BACK}?error=access_denied&state={state}"
    reply = visitor.get(path, Cookie=seeded(begun))
    assert (reply.status, b"access_denied" in reply.body) == (403, True)


def test_when_the_provider_is_down_the_password_still_works(
    tmp_path: Path, provider: OpenId
) -> None:
    with signing_on(tmp_path, provider) as mainstay:
        mara = Visitor(mainstay)
        mara.join("mara", "viewer")
        provider.__exit__()
        reply = Visitor(mainstay).get("/sign-in/sso")
        assert (reply.status, b"sign-in" in reply.body) == (502, True)
        assert Visitor(mainstay).sign_in("mara").status == 303


def test_signing_out_leads_to_the_providers_sign_out(mainstay: Live, provider: OpenId) -> None:
    mara = Visitor(mainstay)
    come(mara)
    csrf = mara.csrf
    reply = mara.post("/sign-out", {"csrf": csrf}, csrf=False)
    assert reply.status == 200
    assert f"{provider.issuer}/logout?id_token_hint=" in reply.body.decode()
    assert mara.get("/account").status == 303
    assert mainstay.rows("SELECT count(*) FROM signin_session WHERE hint IS NOT NULL") == [(0,)]


def test_a_role_that_there_is_not_is_told_at_the_start(tmp_path: Path) -> None:
    oidc = Oidc(issuer="https://id.example.org", client_id="x", roles=("sre=chief",))
    settings = Settings(data_dir=tmp_path, sign_in=SignIn(oidc=oidc))
    runtime = app.open_app(settings, environment={})
    try:
        with pytest.raises(Invalid, match="no role 'chief'"):
            app.over_http(runtime, environment={})
    finally:
        runtime.close()


def test_a_provider_that_calls_itself_something_else_is_not_believed(
    tmp_path: Path, provider: OpenId
) -> None:
    provider.issuer, real = provider.issuer, provider.about
    provider.about = lambda: real() | {"issuer": "https://evil.example"}  # type: ignore[method-assign]
    with signing_on(tmp_path, provider) as mainstay:
        assert Visitor(mainstay).get("/sign-in/sso").status == 502
