"""Does a push reach a browser sealed and signed, and do we hear truly what became of it?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from fakes.pushservice import Browser, signed_by
from fakes.world import CLOSE, NEVER, RESET, Fault, Provider, Raw, Status, World
from mainstay.foundation.clock import ManualClock
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Outside, Rejected, TimedOut, Unreachable
from mainstay.paging import channels
from mainstay.paging.channels import Answer, Page, To, Vapid, new_key

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PAGE = Page(
    idempotency_key="page_01J9:1", repeat=False, person="ana", person_name="Ana Keller",
    incident="INC-2041", subject="INC-2041 P1 pay-db: replica lag 94 s",
    text="Replication lag on pg-02 is 94 s.\nOwner: payops.", urgency="high",
    ack_url="https://mainstay.example.com/a/secret-link", reply_code="1",
    facts={"event": "page", "page": {"person": "ana", "because": "on call for payops"}},
)  # fmt: skip
PATH = "/send/secret-endpoint"
KEY = new_key()


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def push(
    service: Provider, browser: Browser, page: Page = PAGE, *, allow: bool = True, host: str = ""
) -> Answer:
    async def main() -> Answer:
        allowed = frozenset({service.at}) if allow else frozenset()
        egress = Egress(allowed, resolver=lambda _h, _p: ["127.0.0.1"])
        built = channels.build(egress, vapid=Vapid.of(KEY), clock=ManualClock(NOW))
        at = built["push"].check((host or service.url) + PATH)
        try:
            return await built["push"].send(page, To(at, f"{browser.key}.{browser.secret}"))
        finally:
            await egress.close()

    return asyncio.run(main())


def failure(service: Provider, *faults: Fault) -> Outside:
    service.then(*faults)
    with pytest.raises(Outside) as caught:
        push(service, Browser())
    return caught.value


def test_only_the_browser_can_read_it_and_it_knows_who_sends(world: World) -> None:
    service, browser = world.provider("push"), Browser()
    answer = push(service, browser)
    [hit] = service.hits
    said = json.loads(browser.opened(hit.body))
    assert said["title"] == PAGE.subject
    assert said["ack"] == "/a/secret-link"
    assert said["body"].startswith("Why you: on call for payops.\nReplication lag")
    assert (hit.method, hit.path) == ("POST", PATH)
    who, claims = signed_by(hit, audience=service.url)
    assert who == Vapid.of(KEY).public_key
    assert NOW.timestamp() < claims["exp"] <= NOW.timestamp() + 86_400
    assert b"INC-2041" not in hit.body
    assert "INC-2041" not in str(hit.headers), "the push service learns nothing"
    assert answer.words == "201, taken by 127.0.0.1"
    with pytest.raises(InvalidTag):
        Browser().opened(hit.body)


def test_what_it_says_on_the_outside_is_how_it_is_delivered(world: World) -> None:
    service, browser = world.provider("push"), Browser()
    push(service, browser)
    push(service, browser, replace(PAGE, urgency="low", idempotency_key="page_2"))
    push(service, browser, replace(PAGE, incident="INC-7"))
    first, second, third = (hit.headers for hit in service.hits)
    assert first["content-encoding"] == "aes128gcm"
    assert first["ttl"] == "3600"
    assert (first["urgency"], second["urgency"]) == ("high", "normal")
    assert first["topic"] == second["topic"] != third["topic"]
    assert len(first["topic"]) <= 32
    assert first["idempotency-key"] == PAGE.idempotency_key


@pytest.mark.parametrize("status", [201, 202])
def test_taken_is_what_rfc_8030_says(status: int, world: World) -> None:
    service = world.provider("push")
    service.then(Status(status))
    assert push(service, Browser()).words.startswith(str(status))


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_takes_no_pages_any_more_is_gone_for_good(status: int, world: World) -> None:
    error = failure(world.provider("push"), Status(status))
    assert isinstance(error, Rejected)
    assert error.permanent
    assert error.facts["gone"]


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_another_no_for_good_is_not_gone(status: int, world: World) -> None:
    error = failure(world.provider("push"), Status(status, b'{"message": "bad key"}'))
    assert isinstance(error, Rejected)
    assert error.permanent
    assert not error.facts.get("gone")
    assert "bad key" in error.sentence


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_no_for_now_may_be_tried_again_when_the_service_says(status: int, world: World) -> None:
    error = failure(world.provider("push"), Status(status, retry_after="7"))
    assert isinstance(error, Rejected)
    assert not error.permanent
    assert error.retry_after_s == 7.0


@pytest.mark.parametrize("fault", [RESET, CLOSE, Raw(b"\x00\xff\r\n\r\n")])
def test_a_line_that_breaks_is_an_unknown_outcome(fault: Fault, world: World) -> None:
    assert isinstance(failure(world.provider("push"), fault), BadReply)


def test_a_service_that_never_answers_is_an_unknown_outcome(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Egress.request.__kwdefaults__, "timeout_s", 0.3)
    assert isinstance(failure(world.provider("push"), NEVER), TimedOut)


def test_a_redirect_is_a_no_for_good(world: World) -> None:
    elsewhere = world.provider("push")
    error = failure(world.provider("push"), Status(307, headers={"Location": elsewhere.url}))
    assert error.permanent
    assert elsewhere.connections == 0


def test_an_endpoint_inside_our_network_is_never_called(world: World) -> None:
    service = world.provider("push")
    with pytest.raises(Unreachable, match=r"egress\.allow"):
        push(service, Browser(), allow=False, host=f"http://push.example.com:{service.port}")
    assert service.connections == 0


def test_a_copy_says_that_it_is_one_under_the_same_key_and_topic(world: World) -> None:
    service, browser = world.provider("push"), Browser()
    push(service, browser)
    push(service, browser, replace(PAGE, repeat=True))
    first, second = service.hits
    assert first.key == second.key
    assert first.headers["topic"] == second.headers["topic"]
    assert b"again" not in browser.opened(first.body)
    assert b"again" in browser.opened(second.body)


def test_a_long_and_nasty_page_fits_and_acknowledges_all_the_same(world: World) -> None:
    service, browser = world.provider("push"), Browser()
    nasty = "Zürich – 支付 \r\nX-Injected: yes \x00\u202e \ud800 🔥" + '"\\' * 9000
    push(service, browser, replace(PAGE, text=nasty, subject=nasty, incident="INC-1\r\nX-A: b"))
    [hit] = service.hits
    assert "x-injected" not in hit.headers
    assert len(hit.body) <= 4096
    assert json.loads(browser.opened(hit.body))["ack"] == "/a/secret-link"


def test_a_service_that_repeats_our_secrets_does_not_get_them_shown(world: World) -> None:
    service, browser = world.provider("push"), Browser()
    secrets = [PATH, "secret-link", browser.key, browser.secret]
    echo: dict[str, Any] = {"message": "bad call: " + " ".join([*secrets, service.url + PATH])}
    service.then(Status(400, json.dumps(echo).encode()))
    with pytest.raises(Rejected) as caught:
        push(service, browser)
    assert not [one for one in secrets if one in caught.value.sentence]


def test_without_the_keys_of_a_device_nothing_is_sent(world: World) -> None:
    service = world.provider("push")

    async def main() -> None:
        egress = Egress(frozenset({service.at}))
        built = channels.build(egress, vapid=Vapid.of(KEY))
        with pytest.raises(Unreachable, match="set it up there"):
            await built["push"].send(PAGE, To(service.url + PATH))
        await egress.close()

    asyncio.run(main())
    assert service.connections == 0
