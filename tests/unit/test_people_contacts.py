"""How is a person reached?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mainstay import people
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound, OverLimit
from mainstay.foundation.ids import Ids

pytestmark = pytest.mark.both

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
IDS = Ids()


def check(kind: str, address: str) -> str:
    if "@" not in address and kind == "mail":
        raise Invalid("A mail address has an @.")
    return address.lower()


def add(tx: Tx, kind: str, address: str, *, person: str = "ana", **more: Any) -> people.Address:
    return people.add_address(
        tx,
        IDS,
        person=person,
        kind=kind,
        address=address,
        check=check,
        people=("ana", "ben"),
        now=NOW,
        **more,
    )


def rule(tx: Tx, at: people.Address, urgency: str, delay_s: int) -> people.Rule:
    return people.add_rule(
        tx, IDS, person="ana", urgency=urgency, delay_s=delay_s, address=at.id, now=NOW
    )


def plan(tx: Tx, urgency: Any, channel: str | None = None) -> list[tuple[int, str]]:
    contacts = people.plan_for(tx, "ana", urgency, channel=channel)
    return [(contact.delay_s, contact.address.address) for contact in contacts]


def test_without_rules_a_high_page_goes_to_every_address_at_once(tx: Tx) -> None:
    add(tx, "sms", "+41791")
    add(tx, "mail", "a@b")
    add(tx, "mail", "ben@b", person="ben")
    assert plan(tx, "high") == [(0, "+41791"), (0, "a@b")]


def test_without_rules_a_low_page_goes_to_the_first_mail_else_the_first_address(tx: Tx) -> None:
    assert plan(tx, "low") == []
    add(tx, "sms", "+41791")
    add(tx, "ntfy", "topic")
    assert plan(tx, "low") == [(0, "+41791")]
    add(tx, "mail", "one@b")
    add(tx, "mail", "two@b")
    assert plan(tx, "low") == [(0, "one@b")]


def test_rules_say_after_how_long_which_address(tx: Tx) -> None:
    sms, mail = add(tx, "sms", "+41791"), add(tx, "mail", "a@b")
    rule(tx, sms, "high", 120)
    rule(tx, mail, "high", 0)
    rule(tx, sms, "high", 300)
    assert plan(tx, "high") == [(0, "a@b"), (120, "+41791"), (300, "+41791")]


def test_rules_for_one_urgency_leave_the_other_as_it_was(tx: Tx) -> None:
    mail, sms = add(tx, "mail", "a@b"), add(tx, "sms", "+41791")
    rule(tx, sms, "low", 60)
    assert plan(tx, "low") == [(60, "+41791")]
    assert plan(tx, "high") == [(0, mail.address), (0, sms.address)]


def test_a_channel_is_used_at_once_by_who_has_it_and_ignored_for_who_has_not(tx: Tx) -> None:
    mail = add(tx, "mail", "a@b")
    rule(tx, mail, "high", 30)
    assert plan(tx, "high", "sms") == [(30, "a@b")]
    add(tx, "sms", "+41791")
    add(tx, "sms", "+41792")
    assert plan(tx, "high", "sms") == [(0, "+41791"), (0, "+41792")]
    assert plan(tx, "high") == [(30, "a@b")]


def test_who_has_no_address_has_an_empty_plan(tx: Tx) -> None:
    assert plan(tx, "high") == plan(tx, "high", "sms") == []


def test_an_address_is_kept_in_its_normal_form_and_once(tx: Tx) -> None:
    assert add(tx, "mail", "Ana@B").address == "ana@b"
    with pytest.raises(Conflict, match="already has the mail address ana@b"):
        add(tx, "mail", "ANA@b")
    assert [row.address for row in people.addresses(tx, "ana")] == ["ana@b"]


def test_an_address_that_the_channel_refuses_is_not_kept(tx: Tx) -> None:
    with pytest.raises(Invalid, match="has an @"):
        add(tx, "mail", "nowhere")
    with pytest.raises(NotFound, match="did you mean 'ana'"):
        add(tx, "mail", "a@b", person="anna")
    assert people.addresses(tx) == ()


def test_a_secret_of_an_address_is_a_reference_and_a_pasted_one_is_not_repeated(tx: Tx) -> None:
    with pytest.raises(Invalid) as caught:
        add(tx, "webhook", "https://a", secret="hunter2")
    assert "hunter2" not in caught.value.sentence
    assert add(tx, "webhook", "https://a", secret="env:HOOK").secret == "env:HOOK"


def test_removing_an_address_removes_its_rules_and_says_so(tx: Tx) -> None:
    sms, mail = add(tx, "sms", "+41791"), add(tx, "mail", "a@b")
    gone = {rule(tx, sms, "high", 0).id, rule(tx, sms, "low", 60).id}
    kept = rule(tx, mail, "high", 300)
    removed = people.remove_address(tx, sms.id, now=NOW)
    assert {row.id for row in removed.rules} == gone
    assert removed.sentence == (
        "Removed the sms address +41791 of ana, and the rules that used it: "
        "high after 0 s, low after 60 s."
    )
    assert people.rules(tx, "ana") == (kept,)
    assert plan(tx, "high") == [(300, "a@b")]


def test_removing_the_last_address_warns_that_nobody_can_reach_the_person(tx: Tx) -> None:
    mail = add(tx, "mail", "a@b")
    assert "no page can reach them" in people.remove_address(tx, mail.id, now=NOW).sentence
    with pytest.raises(NotFound, match="already removed"):
        people.remove_address(tx, mail.id, now=NOW)


def test_a_removed_address_is_still_known_by_its_id_and_may_be_added_again(tx: Tx) -> None:
    old = add(tx, "mail", "a@b")
    people.remove_address(tx, old.id, now=NOW)
    found = people.address(tx, old.id)
    assert found is not None
    assert found.removed_at == NOW
    new = add(tx, "mail", "a@b")
    assert new.id != old.id
    assert [row.id for row in people.addresses(tx, "ana")] == [new.id]


def test_nobody_touches_the_address_or_rule_of_another_person(tx: Tx) -> None:
    mine = add(tx, "mail", "a@b")
    my_rule = rule(tx, mine, "high", 0)
    theirs = add(tx, "mail", "b@b", person="ben")
    with pytest.raises(NotFound, match="ben has no address"):
        people.remove_address(tx, mine.id, now=NOW, person="ben")
    with pytest.raises(NotFound, match="ben has no rule"):
        people.remove_rule(tx, my_rule.id, person="ben")
    with pytest.raises(NotFound, match="ana has no address"):
        rule(tx, theirs, "high", 0)
    assert people.rules(tx, "ana") == (my_rule,)


def test_a_removed_rule_is_gone(tx: Tx) -> None:
    made = rule(tx, add(tx, "mail", "a@b"), "high", 60)
    assert people.remove_rule(tx, made.id, person="ana") == made
    assert people.rules(tx, "ana") == ()
    with pytest.raises(NotFound):
        people.remove_rule(tx, made.id)


@pytest.mark.parametrize(("urgency", "delay_s"), [("urgent", 0), ("high", -1), ("high", 86_401)])
def test_a_rule_that_makes_no_sense_is_refused(tx: Tx, urgency: str, delay_s: int) -> None:
    mail = add(tx, "mail", "a@b")
    with pytest.raises(Invalid):
        rule(tx, mail, urgency, delay_s)


def test_the_same_rule_twice_and_a_rule_to_a_removed_address_are_refused(tx: Tx) -> None:
    mail = add(tx, "mail", "a@b")
    rule(tx, mail, "high", 0)
    with pytest.raises(Conflict, match="already has this rule"):
        rule(tx, mail, "high", 0)
    people.remove_address(tx, mail.id, now=NOW)
    with pytest.raises(NotFound):
        rule(tx, mail, "high", 0)


def test_nobody_has_more_addresses_or_rules_than_the_limit(tx: Tx) -> None:
    for number in range(20):
        last = add(tx, "ntfy", f"topic-{number}")
    with pytest.raises(OverLimit, match="20 addresses"):
        add(tx, "ntfy", "topic-20")
    for number in range(100):
        rule(tx, last, "high", number)
    with pytest.raises(OverLimit, match="100 rules"):
        rule(tx, last, "high", 100)
