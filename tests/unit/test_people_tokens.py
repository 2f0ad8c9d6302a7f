"""Does a token prove who somebody is, and stop doing so in time?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay import people
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound
from mainstay.foundation.ids import Ids

pytestmark = pytest.mark.both

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
IDS = Ids()
PEOPLE = ("ana", "ben")


def create(tx: Tx, **given: Any) -> people.NewToken:
    values = {"person": "ana", "role": "lead", "about": "laptop", "people": PEOPLE, "now": NOW}
    return people.create_token(tx, IDS, **{**values, **given})


def test_a_token_proves_its_person_role_and_team(tx: Tx) -> None:
    new = create(tx, team="payops", teams=["payops"])
    actor = people.verify_token(tx, new.secret, now=NOW)
    assert actor == people.Actor(
        "person", "ana", (people.Grant("lead", "payops"),), token_id=new.token.id
    )


def test_the_token_itself_is_nowhere_in_the_database_nor_in_what_is_printed(tx: Tx) -> None:
    new = create(tx)
    stored = [tuple(row) for row in tx.all("SELECT * FROM people_token")]
    assert stored
    assert new.secret not in repr(stored) + repr(new) + repr(people.tokens_of(tx))


@pytest.mark.parametrize("given", ["", "mst_", "mst_nonsense", "Bearer x", "mst_\ud800"])
def test_what_is_no_token_proves_nobody(tx: Tx, given: str) -> None:
    create(tx)
    assert people.verify_token(tx, given, now=NOW) is None


def test_the_digest_is_no_token(tx: Tx) -> None:
    create(tx)
    stored = tx.value("SELECT digest FROM people_token")
    assert people.verify_token(tx, stored, now=NOW) is None
    assert people.verify_token(tx, f"mst_{stored}", now=NOW) is None


def test_a_token_ends_at_its_instant(tx: Tx) -> None:
    end = NOW + timedelta(hours=1)
    secret = create(tx, expires_at=end).secret
    assert people.verify_token(tx, secret, now=end - timedelta(microseconds=1))
    assert people.verify_token(tx, secret, now=end) is None


def test_a_revoked_token_proves_nobody_and_others_stay(tx: Tx) -> None:
    one, other = create(tx), create(tx)
    assert people.revoke_token(tx, one.token.id, now=NOW).person == "ana"
    assert people.verify_token(tx, one.secret, now=NOW) is None
    assert people.verify_token(tx, other.secret, now=NOW)
    with pytest.raises(Conflict, match="already revoked"):
        people.revoke_token(tx, one.token.id, now=NOW)
    with pytest.raises(NotFound, match="token list"):
        people.revoke_token(tx, "tok_none", now=NOW)


def test_who_has_left_the_estate_has_no_token_any_more(tx: Tx) -> None:
    secret = create(tx).secret
    assert people.verify_token(tx, secret, now=NOW, people=["ana"])
    assert people.verify_token(tx, secret, now=NOW, people=["ben"]) is None


def test_its_last_use_is_noted_at_most_once_a_minute(tx: Tx) -> None:
    token = create(tx).token.id
    assert people.is_stale(tx, token, now=NOW)
    assert people.touch_token(tx, token, now=NOW)
    soon, later = NOW + timedelta(seconds=60), NOW + timedelta(seconds=61)
    assert not people.is_stale(tx, token, now=soon)
    assert not people.touch_token(tx, token, now=soon)
    assert people.tokens_of(tx)[0].last_used_at == NOW
    assert people.is_stale(tx, token, now=later)
    assert people.touch_token(tx, token, now=later)
    assert people.tokens_of(tx)[0].last_used_at == later
    assert not people.is_stale(tx, "tok_none", now=NOW)


def test_the_list_shows_every_token_of_a_person(tx: Tx) -> None:
    ana, ben = create(tx).token, create(tx, person="ben").token
    people.revoke_token(tx, ana.id, now=NOW)
    assert [token.id for token in people.tokens_of(tx)] == [ana.id, ben.id]
    assert people.tokens_of(tx, "ana")[0].revoked_at == NOW


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"person": "anna"}, NotFound, "no person 'anna' \\(did you mean 'ana'"),
        ({"role": "leed"}, Invalid, "did you mean 'lead'"),
        ({"team": "payop", "teams": ["payops"]}, NotFound, "did you mean 'payops'"),
        ({"about": " "}, Invalid, "what the token is for"),
        ({"about": "x" * 201}, Invalid, "200"),
        ({"expires_at": NOW}, Invalid, "a time to come"),
    ],
)
def test_a_wrong_request_makes_no_token_and_says_what_fits(
    tx: Tx, given: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        create(tx, **given)
    assert people.tokens_of(tx) == ()
