"""What does the client say when the other side misbehaves, and may the request have arrived?"""

from __future__ import annotations

import asyncio
import socket
import ssl
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from fakes.world import CLOSE, NEVER, RESET, Provider, Raw, Status, World
from mainstay.foundation.egress import CONNECTIONS_PER_HOST, REPLY_BYTES_MAX, Egress, Reply
from mainstay.foundation.errors import BadReply, Outside, TimedOut, Unreachable


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def ask(provider: Provider, *, path: str = "/", times: int = 1, **options: Any) -> list[Reply]:
    async def main() -> list[Reply]:
        egress = Egress(frozenset({provider.at}))
        try:
            return [
                await egress.request("POST", provider.url + path, body=b"x", **options)
                for _ in range(times)
            ]
        finally:
            await egress.close()

    return asyncio.run(main())


def failure(provider: Provider, **options: Any) -> Outside:
    with pytest.raises(Outside) as caught:
        ask(provider, **options)
    return caught.value


def test_a_connection_is_kept_for_the_next_request(world: World) -> None:
    hook = world.provider()
    ask(hook, times=5)
    assert len(hook.hits) == 5
    assert hook.connections == 1


def test_a_client_that_outlives_its_event_loop_goes_on_in_the_next(world: World) -> None:
    hook = world.provider()
    egress = Egress(frozenset({hook.at}))
    for _ in range(3):
        assert asyncio.run(egress.request("POST", hook.url)).status == 204
    asyncio.run(egress.close())
    assert len(hook.hits) == 3


def test_any_status_is_a_reply(world: World) -> None:
    hook = world.provider()
    hook.then(Status(503, b"down", "text/plain", headers={"X-Why": "rain"}))
    [reply] = ask(hook)
    assert (reply.status, reply.body, reply.headers["x-why"]) == (503, b"down", "rain")


def test_silence_is_a_time_out_that_admits_the_request_may_have_arrived(world: World) -> None:
    hook = world.provider()
    hook.then(NEVER)
    error = failure(hook, timeout_s=0.3)
    assert isinstance(error, TimedOut)
    assert "may have taken" in error.sentence
    assert len(hook.hits) == 1


@pytest.mark.parametrize(
    "fault", [RESET, CLOSE, Raw(b"SSH-2.0-x\r\n"), Raw(b"HTTP/1.1 200 OK\r\n")]
)
def test_a_broken_answer_is_not_taken_for_a_failed_connection(world: World, fault: Any) -> None:
    hook = world.provider()
    hook.then(fault)
    error = failure(hook)
    assert isinstance(error, BadReply)
    assert not error.permanent


def test_a_body_that_breaks_off_is_a_bad_reply(world: World) -> None:
    hook = world.provider()
    hook.then(Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
    assert isinstance(failure(hook), BadReply)


def test_a_closed_port_is_unreachable_and_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        provider = Provider("webhook", "127.0.0.1", lambda hit: Status(200))
        provider.port = closed.getsockname()[1]
    error = failure(provider)
    assert isinstance(error, Unreachable)
    assert "connection refused" in error.sentence


def test_a_reply_is_read_up_to_its_limit_and_no_further(world: World) -> None:
    hook = world.provider()
    hook.then(Status(200, b"x" * (REPLY_BYTES_MAX * 3)))
    [reply] = ask(hook)
    assert reply.cut
    assert len(reply.body) == REPLY_BYTES_MAX


def test_a_line_break_in_a_header_sends_nothing(world: World) -> None:
    hook = world.provider()
    error = failure(hook, headers={"X-Title": "a\r\nX-Injected: b"})
    assert isinstance(error, Unreachable)
    assert hook.hits == []


def test_the_callers_headers_cannot_replace_the_host(world: World) -> None:
    hook = world.provider()
    ask(hook, path="/päth?q=ä", headers={"host": "elsewhere.example", "Content-Length": "9999"})
    assert hook.hits[0].headers["host"] == hook.at
    assert hook.hits[0].body == b"x"
    assert hook.hits[0].path == "/p%C3%A4th?q=%C3%A4"


def test_a_provider_that_never_answers_keeps_no_other_waiting(world: World) -> None:
    dead, well = world.provider(), world.provider()
    dead.always = NEVER

    async def main() -> None:
        egress = Egress(frozenset({dead.at, well.at}))
        stuck = [
            asyncio.ensure_future(egress.request("POST", dead.url, timeout_s=60))
            for _ in range(300)
        ]
        await asyncio.to_thread(dead.wait, CONNECTIONS_PER_HOST)
        assert (await egress.request("POST", well.url, timeout_s=5)).status == 204
        assert dead.connections == CONNECTIONS_PER_HOST
        for call in stuck:
            call.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        await egress.close()

    asyncio.run(main())


def test_a_certificate_is_verified_by_authority_and_by_name(world: World, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.com").configure_cert(context)
    hook = world.provider(tls=context)
    names = ("hooks.example.com", "other.example.com")
    allow = frozenset(f"{name}:{hook.port}" for name in names)

    async def call(name: str, ca_file: str | None) -> Reply:
        egress = Egress(allow, resolver=lambda _h, _p: ["127.0.0.1"], ca_file=ca_file)
        try:
            return await egress.request("POST", f"https://{name}:{hook.port}/")
        finally:
            await egress.close()

    known = str(tmp_path / "ca.pem")
    assert asyncio.run(call("hooks.example.com", known)).status == 204
    for name, ca_file in (("other.example.com", known), ("hooks.example.com", None)):
        with pytest.raises(Unreachable, match="certificate is not one that we trust"):
            asyncio.run(call(name, ca_file))
    assert len(hook.hits) == 1


def test_a_secret_that_no_header_can_carry_is_not_repeated_in_the_error(world: World) -> None:
    hook = world.provider()
    error = failure(hook, headers={"Authorization": "Bearer two\nlines of a secret"})
    assert isinstance(error, Unreachable)
    assert error.permanent
    told = "".join(traceback.format_exception(error))
    assert "lines of a secret" not in told
    assert hook.hits == []
