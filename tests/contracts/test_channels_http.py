"""Does every HTTP channel hand a page over once, and say truly what became of it?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from fakes.world import CLOSE, NEVER, RESET, Fault, Provider, Raw, Status, World
from mainstay.foundation.clock import ManualClock
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Invalid, Outside, Rejected, TimedOut, Unreachable
from mainstay.paging import channels
from mainstay.paging.channels import Answer, Page, Sms, To

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
KINDS = ["webhook", "slack", "ntfy", "sms"]
PAGE = Page(
    idempotency_key="page_01J9:1",
    repeat=False,
    person="ana",
    person_name="Ana Keller",
    incident="INC-2041",
    subject="INC-2041 P1 pay-db: replica lag 94 s",
    text="Replication lag on pg-02 is 94 s.\nOwner: payops.",
    urgency="high",
    ack_url="https://mainstay.example.com/a/secret-link",
    reply_code="1",
    facts={"event": "page", "incident": "INC-2041", "alerts": [{"title": "lag"}]},
)
NASTY = replace(
    PAGE,
    subject="Zürich – 支付 <!channel> & \r\nX-Injected: yes \x00\u202e \ud800" + "x" * 300,
    text="<script>alert(1)</script>\r\n*bold* <@U1> 🔥\x07 \udfff" + "&" * 9000,
    person_name="Ana <b>",
    ack_url="https://mainstay.example.com/a/1?x=1&y=2",
)
TOKEN = "the-secret-token"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def address(kind: str, provider: Provider) -> str:
    paths = {
        "webhook": "/hook/secret-path",
        "slack": "/services/T/B/secret-path",
        "ntfy": "/topic9",
    }
    return "+41791234567" if kind == "sms" else provider.url + paths[kind]


def send(
    kind: str, provider: Provider, page: Page = PAGE, *, secret: str | None = TOKEN, **sms: Any
) -> Answer:
    async def main() -> Answer:
        egress = Egress(frozenset({provider.at}))
        account = Sms("AC1", TOKEN, "+15005550006", base=provider.url, **sms)
        built = channels.build(egress, sms=account, clock=ManualClock(NOW))
        try:
            to = To(built[kind].check(address(kind, provider)), secret)
            return await built[kind].send(page, to)
        finally:
            await egress.close()

    return asyncio.run(main())


def failure(kind: str, provider: Provider, *faults: Fault) -> Outside:
    provider.then(*faults)
    with pytest.raises(Outside) as caught:
        send(kind, provider)
    return caught.value


# -- every channel ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_arrives_once_under_its_key_and_the_providers_word_comes_back(
    kind: str, world: World
) -> None:
    provider = world.provider(kind)
    answer = send(kind, provider)
    [hit] = provider.hits
    assert hit.method == "POST"
    assert hit.key == PAGE.idempotency_key
    assert answer.words
    assert "INC-2041" in hit.body.decode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_no_for_good_is_not_tried_again(kind: str, status: int, world: World) -> None:
    error = failure(kind, world.provider(kind), Status(status, b'{"message": "no such account"}'))
    assert isinstance(error, Rejected)
    assert error.permanent
    assert error.reply == status
    assert "no such account" in error.sentence


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_no_for_now_may_be_tried_again(kind: str, status: int, world: World) -> None:
    error = failure(kind, world.provider(kind), Status(status, b"later", "text/plain"))
    assert isinstance(error, Rejected)
    assert not error.permanent


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [
        ("7", 7.0),
        (format_datetime(NOW.replace(minute=2), usegmt=True), 120.0),
        ("99999999", 3600.0),
        ("soon", None),
        ("-5", None),
        ("²", None),
    ],
)
def test_the_provider_says_how_long_to_wait(
    kind: str, asked: str, wait_s: float | None, world: World
) -> None:
    provider = world.provider(kind)
    provider.then(Status(429, retry_after=asked))
    with pytest.raises(Rejected) as caught:
        send(kind, provider)
    assert caught.value.retry_after_s == wait_s


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body",
    [
        b'{"ok": false, "error": "rate_limited"}',
        b'{"error": "account suspended"}',
        b'{"success": false}',
    ],
)
def test_a_200_whose_body_says_no_is_a_no(kind: str, body: bytes, world: World) -> None:
    assert isinstance(failure(kind, world.provider(kind), Status(200, body)), Rejected)


@pytest.mark.parametrize("kind", ["slack", "ntfy", "sms"])
@pytest.mark.parametrize("body", [b"", b"<html>Welcome to the portal</html>", b"[]", b"[" * 9000])
def test_a_200_from_something_that_is_not_the_provider_is_no_yes(
    kind: str, body: bytes, world: World
) -> None:
    assert isinstance(failure(kind, world.provider(kind), Status(200, body)), BadReply)


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_is_a_no_for_good(kind: str, world: World) -> None:
    elsewhere = world.provider(kind)
    moved = Status(308, headers={"Location": elsewhere.url})
    error = failure(kind, world.provider(kind), moved)
    assert error.permanent
    assert elsewhere.connections == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [RESET, CLOSE, Raw(b"\x00\xff\r\n\r\n")])
def test_a_line_that_breaks_after_the_page_left_is_an_unknown_outcome(
    kind: str, fault: Fault, world: World
) -> None:
    provider = world.provider(kind)
    assert isinstance(failure(kind, provider, fault), BadReply)
    assert len(provider.hits) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_that_never_answers_is_an_unknown_outcome(
    kind: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Egress.request.__kwdefaults__, "timeout_s", 0.3)
    provider = world.provider(kind)
    assert isinstance(failure(kind, provider, NEVER), TimedOut)
    assert len(provider.hits) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_allowed_is_never_called(kind: str, world: World) -> None:
    provider = world.provider(kind)

    async def main() -> None:
        egress = Egress(resolver=lambda _h, _p: ["127.0.0.1"])
        account = Sms("AC1", TOKEN, "+15005550006", base=f"http://sms.example.com:{provider.port}")
        built = channels.build(egress, sms=account)
        inside = address(kind, provider).replace("127.0.0.1", "hooks.example.com")
        with pytest.raises(Unreachable, match=r"egress\.allow") as caught:
            await built[kind].send(PAGE, To(built[kind].check(inside)))
        assert caught.value.permanent
        await egress.close()

    asyncio.run(main())
    assert provider.connections == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_says_that_it_is_one_and_keeps_its_key(kind: str, world: World) -> None:
    provider = world.provider(kind)
    send(kind, provider)
    send(kind, provider, replace(PAGE, repeat=True))
    first, second = provider.hits
    assert first.key == second.key
    assert "again" not in first.body.decode()
    assert "again" in second.body.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_however_nasty_breaks_a_message_or_adds_a_header(kind: str, world: World) -> None:
    provider = world.provider(kind)
    send(kind, provider, NASTY)
    [hit] = provider.hits
    assert "x-injected" not in hit.headers
    hit.body.decode("utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_that_repeats_our_secrets_does_not_get_them_shown(
    kind: str, world: World
) -> None:
    provider = world.provider(kind)
    mine = address(kind, provider)
    secrets = {"webhook": [TOKEN, mine], "slack": [mine], "ntfy": [TOKEN, "topic9"], "sms": [TOKEN]}
    echo = json.dumps({"message": "bad call: " + " ".join(secrets[kind])}).encode()
    for answer in (Status(400, echo), Status(200, echo)):
        provider.then(answer)
        try:
            words = send(kind, provider).words
        except Outside as error:
            words = error.sentence
        assert not any(secret in words for secret in secrets[kind]), words
    assert len(failure(kind, provider, Status(500, b"x\n" * 5000)).sentence) < 400


# -- each on its own -------------------------------------------------------------------------------


def test_the_webhooks_receiver_can_prove_who_sent_it(world: World) -> None:
    hook = world.provider("webhook")
    send("webhook", hook)
    [hit] = hook.hits
    header = hit.headers["mainstay-signature"]
    assert channels.verify(hit.body, header, secret=TOKEN, now=NOW)
    assert not channels.verify(hit.body + b" ", header, secret=TOKEN, now=NOW)
    assert not channels.verify(hit.body, header, secret="other", now=NOW)
    assert not channels.verify(hit.body, header, secret=TOKEN, now=NOW.replace(minute=6))
    assert channels.verify(hit.body, header, secret=TOKEN, now=NOW.replace(minute=4))
    moved = header.replace("t=", "t=1")
    for broken in ("", "t=", "v1=", "t=x,v1=y", "t=²,v1=é", moved, header.replace("v1=", "v1=é")):
        assert not channels.verify(hit.body, broken, secret=TOKEN, now=NOW)


def test_the_webhook_carries_every_fact_and_no_signature_without_a_secret(world: World) -> None:
    hook = world.provider("webhook")
    send("webhook", hook, secret=None)
    [hit] = hook.hits
    assert "mainstay-signature" not in hit.headers
    assert {name: hit.json[name] for name in PAGE.facts} == PAGE.facts
    assert hit.json["person"] == {"id": "ana", "name": "Ana Keller"}
    assert hit.json["ack_url"] == PAGE.ack_url
    assert hit.json["repeat"] is False


def test_slack_shows_the_text_and_nothing_in_it_is_a_command(world: World) -> None:
    slack = world.provider("slack")
    send("slack", slack, NASTY)
    message = slack.hits[0].json
    header, section, actions = message["blocks"]
    assert len(header["text"]["text"]) <= 150
    assert len(section["text"]["text"]) <= 3000
    for text in (message["text"], section["text"]["text"]):
        assert "<" not in text
    assert "&lt;@U1&gt;" in section["text"]["text"]
    assert actions["elements"][0]["url"] == NASTY.ack_url


def test_ntfy_rings_by_urgency_and_one_tap_acknowledges(world: World) -> None:
    ntfy = world.provider("ntfy")
    send("ntfy", ntfy)
    send("ntfy", ntfy, replace(NASTY, urgency="low", ack_url=None), secret=None)
    first, second = ntfy.hits
    assert first.path == "/"
    assert first.headers["authorization"] == f"Bearer {TOKEN}"
    assert (first.json["topic"], first.json["priority"]) == ("topic9", 5)
    assert first.json["click"] == PAGE.ack_url
    assert first.json["actions"][0]["method"] == "POST"
    assert second.json["priority"] == 3
    assert "authorization" not in second.headers
    assert "actions" not in second.json
    assert len(second.json["message"].encode()) <= 4096


def test_an_sms_is_one_part_and_tells_how_to_acknowledge(world: World) -> None:
    sms = world.provider("sms")
    send("sms", sms, replace(PAGE, subject="P1 “pay-db” – réplica läg → 94 s " + "€" * 200))
    send(
        "sms",
        sms,
        replace(PAGE, subject="支付数据库延迟" * 40),
        status_callback="https://x.example/s",
    )
    first, second = (hit.form for hit in sms.hits)
    assert sms.hits[0].path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert sms.hits[0].headers["authorization"].startswith("Basic ")
    assert first["To"] == "+41791234567"
    assert first["From"] == "+15005550006"
    assert first["Body"].startswith('INC-2041 P1 "pay-db" - réplica läg -> 94 s')
    assert first["Body"].endswith(" Reply 1 to acknowledge")
    gsm = len(first["Body"]) + first["Body"].count("€")
    assert 150 < gsm <= 160
    assert second["Body"].endswith(" Reply 1 to acknowledge")
    assert len(second["Body"]) <= 134
    assert second["StatusCallback"] == "https://x.example/s"


@pytest.mark.parametrize(
    "answer",
    [
        {"sid": "SM1", "status": "failed", "error_code": 30006, "error_message": "landline"},
        {"sid": "SM1", "status": "undelivered", "error_code": None},
        {"sid": "SM1", "status": "queued", "error_code": 21610},
    ],
)
def test_an_sms_that_the_provider_took_and_failed_is_a_no(
    answer: dict[str, Any], world: World
) -> None:
    taken = Status(201, json.dumps(answer).encode())
    assert isinstance(failure("sms", world.provider("sms"), taken), Rejected)


def test_an_sms_reply_is_believed_only_with_the_providers_signature() -> None:
    # The example of Twilio's own documentation of webhook security.
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    good = "GvWf1cFY/Q7PnoempGyD5oXAezc="
    assert channels.verify_twilio(url, params, signature=good, token="12345")
    assert not channels.verify_twilio(url, params | {"Digits": "1"}, signature=good, token="12345")
    assert not channels.verify_twilio(url + "3", params, signature=good, token="12345")
    for broken in ("", "é", good[:-2], good + "="):
        assert not channels.verify_twilio(url, params, signature=broken, token="12345")
    assert channels.read_reply(params | {"Body": " 1 \n"}) == ("+14158675310", "1")
    with pytest.raises(Invalid):
        channels.read_reply({"Body": "1"})


@pytest.mark.parametrize(
    ("kind", "given", "normal"),
    [
        ("sms", "+41 79 123 45 67", "+41791234567"),
        ("sms", "0041 (79) 123-45-67", "+41791234567"),
        ("ntfy", "my-topic", "https://ntfy.sh/my-topic"),
        (
            "ntfy",
            "https://ntfy.example.com/sub/my-topic/",
            "https://ntfy.example.com/sub/my-topic/",
        ),
        ("webhook", " HTTPS://Hooks.Example.com ", "https://hooks.example.com/"),
    ],
)
def test_an_address_has_one_normal_form(kind: str, given: str, normal: str) -> None:
    built = channels.build(Egress(), sms=Sms("AC1", TOKEN, "+1"))
    assert built[kind].check(given) == normal


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("sms", "079 123 45 67"),
        ("sms", "+41 79 CALL ME"),
        ("sms", "+1234"),
        ("sms", ""),
        ("ntfy", "https://ntfy.sh/"),
        ("ntfy", "https://ntfy.sh/a b"),
        ("ntfy", "https://ntfy.sh/topic?x=1"),
        ("slack", "#pay-ops"),
        ("webhook", "https://user:pw@hooks.example.com/"),
        ("webhook", "http://169.254.169.254/latest/meta-data"),
        ("webhook", "https://hooks.example.com/\r\nX: y"),
    ],
)
def test_a_bad_address_is_refused_in_words_that_help(kind: str, given: str) -> None:
    built = channels.build(Egress(), sms=Sms("AC1", TOKEN, "+1"))
    with pytest.raises(Invalid) as caught:
        built[kind].check(given)
    assert len(caught.value.sentence) > 30


def test_channels_that_are_not_set_up_do_not_exist() -> None:
    assert sorted(channels.build(Egress())) == ["ntfy", "slack", "webhook"]
    assert TOKEN not in repr(Sms("AC1", TOKEN, "+1"))


def test_an_ntfy_topic_alone_belongs_to_the_server_of_the_settings() -> None:
    ntfy = channels.build(Egress(), ntfy_server="https://push.example.org")["ntfy"]
    assert ntfy.check("ops-7f3a") == "https://push.example.org/ops-7f3a"
    assert ntfy.check("https://ntfy.sh/ops") == "https://ntfy.sh/ops"
