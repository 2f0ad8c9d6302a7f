"""Is a push sealed as RFC 8291 says, signed as RFC 8292 says, and never too long?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fakes.pushservice import Browser, decoded, encoded, private_of, signed_by
from fakes.world import Hit
from mainstay.paging.channels import Page, Vapid, new_key
from mainstay.paging.channels.push.channel import message, topic
from mainstay.paging.channels.push.sealing import PLAIN_BYTES_MAX, point_of, seal

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PAGE = Page(
    idempotency_key="page_1", repeat=False, person="ana", person_name="Ana Keller",
    incident="INC-2041", subject="INC-2041 P1 pay-db: replica lag 94 s",
    text="replica lag 94 s\n\nINC-2041, P1, critical\nServices: pay-db\n\n"
    "Why you: on call.\n\nAcknowledge: https://m.example/a/tok",
    urgency="high", ack_url="https://m.example/a/tok", reply_code="2041",
    facts={"page": {"because": "on call for payops-oncall"}},
)  # fmt: skip

# RFC 8291, Appendix A.
PLAIN = "V2hlbiBJIGdyb3cgdXAsIEkgd2FudCB0byBiZSBhIHdhdGVybWVsb24"
SERVER_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SERVER_PUBLIC = (
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
)
BROWSER_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
BROWSER_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
MESSAGE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY"
    "WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS"
    "gSxsj_Qulcy4a-fN"
)


def test_the_example_of_rfc_8291_comes_out_byte_for_byte() -> None:
    ours = private_of(SERVER_PRIVATE)
    assert encoded(point_of(ours)) == SERVER_PUBLIC
    sealed = seal(
        decoded(PLAIN), key=decoded(BROWSER_PUBLIC), secret=decoded(SECRET), salt=decoded(SALT),
        ours=ours,
    )  # fmt: skip
    assert encoded(sealed) == MESSAGE


def test_the_fake_browser_opens_the_example_too() -> None:
    browser = Browser(private_of(BROWSER_PRIVATE), decoded(SECRET))
    assert browser.key == BROWSER_PUBLIC
    assert browser.opened(decoded(MESSAGE)) == decoded(PLAIN)


def test_no_two_messages_are_sealed_alike() -> None:
    browser = Browser()
    twice = [seal(b"x", key=browser.point, secret=browser.auth) for _ in range(2)]
    assert twice[0][:16] != twice[1][:16], "the salt"
    assert twice[0][21:86] != twice[1][21:86], "our key"
    assert [browser.opened(one) for one in twice] == [b"x", b"x"]


def test_the_longest_message_fills_4096_bytes_and_not_one_more() -> None:
    browser = Browser()
    full = seal(b"x" * PLAIN_BYTES_MAX, key=browser.point, secret=browser.auth)
    assert len(full) == 4096
    assert len(browser.opened(full)) == PLAIN_BYTES_MAX


def test_the_signature_is_of_our_key_for_one_push_service_and_half_a_day() -> None:
    key = new_key()
    ours = Vapid.of(key, contact="https://mainstay.example")
    header = ours.authorization("https://push.example:8443/send/abc?x=1", now=NOW)
    hit = Hit(0, "POST", "/send/abc", {"authorization": header}, b"")
    who, claims = signed_by(hit, audience="https://push.example:8443")
    assert who == ours.public_key == Vapid.of(key).public_key
    assert claims["sub"] == "https://mainstay.example"
    assert claims["exp"] == int((NOW + timedelta(hours=12)).timestamp())
    assert key not in repr(ours)
    assert len(decoded(ours.public_key)) == 65


@pytest.mark.parametrize("filler", ["a", "é", "支", "🔥", '"', "\\", "\x07", "\ud800", "\n"])
def test_a_page_however_long_fits_and_keeps_what_acknowledges(filler: str) -> None:
    page = replace(PAGE, text=f"lag\n{filler * 9000}", subject=f"INC-2041 {filler * 200}")
    packed = message(page)
    assert len(packed) <= PLAIN_BYTES_MAX
    said = json.loads(packed)
    assert said["ack"] == "/a/tok"
    assert said["incident"] == "INC-2041"


def test_a_page_says_what_and_why_you_first_and_each_thing_once() -> None:
    said = json.loads(message(PAGE))
    assert said["title"] == "INC-2041 P1 pay-db: replica lag 94 s"
    lines = said["body"].split("\n")
    assert lines[0] == "Why you: on call for payops-oncall."
    assert said["body"].count("Why you") == 1
    assert "replica lag" not in said["body"], "the title says it"
    assert "https://" not in said["body"]
    assert json.loads(message(replace(PAGE, repeat=True)))["body"].startswith("(Sent again")


def test_pages_of_one_incident_share_a_topic_that_tells_nothing() -> None:
    assert topic("INC-1") == topic("INC-1") != topic("INC-2")
    assert len(topic("INC-1")) == 32
    assert "INC" not in topic("INC-1")
