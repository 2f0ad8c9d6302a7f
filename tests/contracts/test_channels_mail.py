"""Does a page reach a real mail server, and is it known what became of it?"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from fakes.postoffice import DROP, NEVER, PostOffice
from mainstay.foundation.clock import ManualClock
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Invalid, Outside, Rejected, TimedOut, Unreachable
from mainstay.paging import channels
from mainstay.paging.channels import Answer, Page, Smtp, To

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
NAME = "mail.example.com"
PAGE = Page(
    idempotency_key="page_01J9:1",
    repeat=False,
    person="ana",
    person_name="Ana Keller",
    incident="INC-2041",
    subject="INC-2041 P1 pay-db: replica lag – 94 s",
    text="Replication lag on pg-02 is 94 s.\n.\nOwner: payops & <others>.",
    urgency="high",
    ack_url="https://mainstay.example.com/a/1?x=1&y=2",
    reply_code=None,
    facts={},
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    return context


def send(
    post: PostOffice | int, *, page: Page = PAGE, to: str = "ana@alpenpay.example", **relay: Any
) -> Answer:
    port = post if isinstance(post, int) else post.port
    settings = Smtp(
        relay.pop("host", NAME),
        port,
        relay.pop("security", "plain"),
        "mainstay@alpenpay.example",
        timeout_s=relay.pop("timeout_s", 10.0),
        **relay,
    )

    async def main() -> Answer:
        allow = frozenset({f"{NAME}:{port}", f"wrong.example.com:{port}"})
        egress = Egress(allow, resolver=lambda _h, _p: ["127.0.0.1"])
        mail = channels.build(egress, smtp=settings, clock=ManualClock(NOW))["mail"]
        try:
            return await mail.send(page, To(mail.check(to)))
        finally:
            await egress.close()

    return asyncio.run(main())


def failure(post: PostOffice | int, **options: Any) -> Outside:
    with pytest.raises(Outside) as caught:
        send(post, **options)
    return caught.value


@pytest.mark.parametrize("mode", ["starttls", "tls"])
def test_a_page_goes_by_tls_with_a_log_in_and_arrives_whole(
    mode: Any, tls: ssl.SSLContext, ca_file: str
) -> None:
    with PostOffice(mode=mode, tls=tls, login=("mainstay", "pässword")) as post:
        answer = send(post, security=mode, user="mainstay", password="pässword", ca_file=ca_file)
        [letter] = post.wait(1)
    assert letter.over_tls
    assert letter.user == "mainstay"
    assert letter.sender == "mainstay@alpenpay.example"
    assert letter.recipients == ["ana@alpenpay.example"]
    assert "queued as 4F2A" in answer.words
    message = letter.message
    assert answer.provider_id == message["Message-ID"]
    assert message["Subject"] == PAGE.subject
    assert message["Date"].datetime == NOW
    plain, html = (part.get_content() for part in message.iter_parts())
    assert plain.replace("\r\n", "\n") == f"{PAGE.text}\n\nAcknowledge: {PAGE.ack_url}\n"
    assert 'href="https://mainstay.example.com/a/1?x=1&amp;y=2"' in html
    assert "payops &amp; &lt;others&gt;" in html
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Priority"] == "1"


def test_a_copy_has_the_same_message_id_and_says_that_it_is_a_copy() -> None:
    with PostOffice() as post:
        send(post)
        send(post, page=replace(PAGE, repeat=True))
        send(post, page=replace(PAGE, idempotency_key="page_01J9:2"))
        first, copy, other = (letter.message for letter in post.wait(3))
    assert first["Message-ID"] == copy["Message-ID"] != other["Message-ID"]
    assert first["References"] == other["References"]
    assert "Sent again" in copy.get_body(("plain",)).get_content()
    assert "Sent again" in copy.get_body(("html",)).get_content()
    assert "Sent again" not in first.as_string()


def test_nothing_in_a_page_becomes_a_header_or_a_command() -> None:
    page = replace(
        PAGE,
        subject="lag \x07\u202e\r\nBcc: eve@example.com\r\n\r\nbody \ud800",
        text="\r\n.\r\nMAIL FROM:<eve@example.com>\r\n<script>x</script>\x00\udfff",
        ack_url='https://x.example/"><script>',
        incident="INC\r\nX-Evil: 1",
    )
    with PostOffice() as post:
        send(post, page=page)
        [letter] = post.wait(1)
    assert letter.recipients == ["ana@alpenpay.example"]
    assert letter.message["Bcc"] is None
    assert letter.message["X-Evil"] is None
    assert not {"\x07", "\u202e"} & set(letter.message["Subject"])
    assert "Bcc: eve@example.com" in letter.message["Subject"]
    assert "<script>" not in letter.message.get_body(("html",)).get_content()
    assert b"\x00" not in letter.content


@pytest.mark.parametrize(
    ("verb", "reply", "permanent"),
    [
        ("MAIL", "550 5.7.1 sender not allowed", True),
        ("RCPT", "550 5.1.1 no such person", True),
        ("RCPT", "451 4.7.1 greylisted", False),
        ("DATA", "554 5.7.1 looks like spam", True),
        ("DATA", "452 4.3.1 disk full", False),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(verb: Any, reply: str, permanent: bool) -> None:
    with PostOffice() as post:
        post.refuse(verb, reply)
        error = failure(post)
    assert isinstance(error, Rejected)
    assert error.permanent is permanent
    assert error.reply == int(reply[:3])
    assert reply[4:] in error.sentence


@pytest.mark.parametrize(
    ("verb", "how", "kind"),
    [
        ("MAIL", NEVER, Unreachable),
        ("RCPT", NEVER, Unreachable),
        ("DATA", NEVER, TimedOut),
        ("RCPT", DROP, Unreachable),
        ("DATA", DROP, BadReply),
    ],
)
def test_only_after_the_message_has_left_is_its_fate_unknown(
    verb: Any, how: str, kind: type[Outside]
) -> None:
    with PostOffice() as post:
        post.refuse(verb, how)
        error = failure(post, timeout_s=0.5)
        assert type(error) is kind
        assert len(post.letters) == (1 if verb == "DATA" else 0)


def test_a_server_that_drips_one_byte_at_a_time_is_hung_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = asyncio.Event()

        async def drip() -> None:
            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                while await _still_there(reader):
                    writer.write(b"2")
                done.set()
                writer.close()

            server = await asyncio.start_server(talk, sock=listener)
            port = listener.getsockname()[1]
            error = await asyncio.to_thread(failure, port, timeout_s=0.5)
            assert isinstance(error, Unreachable)
            await asyncio.wait_for(done.wait(), 5)
            server.close()

        asyncio.run(drip())


async def _still_there(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(0.1):
            return await reader.read(1) != b""
    except TimeoutError:
        return True


@pytest.mark.parametrize("mode", ["starttls", "tls"])
def test_no_mail_leaves_when_the_certificate_is_not_the_servers(
    mode: Any, tls: ssl.SSLContext, ca_file: str
) -> None:
    with PostOffice(mode=mode, tls=tls) as post:
        for options in ({"ca_file": None}, {"ca_file": ca_file, "host": "wrong.example.com"}):
            error = failure(post, security=mode, **options)
            assert isinstance(error, Unreachable)
            assert "secure connection" in error.sentence
        assert post.letters == []


def test_no_mail_and_no_password_leaves_when_starttls_is_not_offered() -> None:
    with PostOffice() as post:
        error = failure(post, security="starttls", user="mainstay", password="secret")
        assert isinstance(error, Unreachable)
        assert post.letters == []


def test_a_wrong_password_is_a_no_for_good_and_is_not_shown(
    tls: ssl.SSLContext, ca_file: str
) -> None:
    with PostOffice(mode="starttls", tls=tls, login=("mainstay", "right")) as post:
        error = failure(
            post, security="starttls", user="mainstay", password="wr0ng!", ca_file=ca_file
        )
    assert isinstance(error, Rejected)
    assert error.permanent
    assert "wr0ng!" not in error.sentence


def test_a_password_never_goes_over_a_readable_line() -> None:
    with pytest.raises(Invalid, match="readable"):
        Smtp(NAME, 25, "plain", "a@example.com", user="mainstay", password="secret")
    assert "secret" not in repr(Smtp(NAME, 465, "tls", "a@b.c", user="m", password="secret"))


def test_nobody_at_home_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = failure(port)
    assert isinstance(error, Unreachable)
    assert "connection refused" in error.sentence


def test_a_relay_that_nobody_allowed_is_never_called() -> None:
    with PostOffice() as post:
        error = failure(post, host="127.0.0.1")
        assert isinstance(error, Unreachable)
        assert f"127.0.0.1:{post.port}" in error.sentence
        assert error.permanent


@pytest.fixture
def check() -> Callable[[str], str]:
    relay = Smtp(NAME, 25, "plain", "a@example.com")
    return channels.build(Egress(), smtp=relay)["mail"].check


def test_a_mail_address_has_one_normal_form(check: Callable[[str], str]) -> None:
    assert check(" Ana.Keller+page@Alpenpay.Example ") == "Ana.Keller+page@alpenpay.example"
    assert check("ana@zürich.example") == "ana@xn--zrich-kva.example"
    assert check("ana@localhost") == "ana@localhost"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "@example.com",
        "ana@",
        "ana@@example.com",
        "ana@exa mple.com",
        "Ana <ana@example.com>",
        "ana@example.com, eve@example.com",
        "ana@example.com\r\nRCPT TO:<eve@example.com>",
        "ana\n@example.com",
        "ана@example.com",
        "a" * 65 + "@example.com",
        "ana@-example.com",
        "ana@" + "x" * 64 + ".com",
        "ana@example..com",
        "\x00@example.com",
    ],
)
def test_what_is_not_one_plain_address_is_refused(
    address: str, check: Callable[[str], str]
) -> None:
    with pytest.raises(Invalid):
        check(address)


def test_the_file_of_authorities_is_read_once(
    tls: ssl.SSLContext, ca_file: str, tmp_path: Path
) -> None:
    copy = tmp_path / "ca.pem"
    copy.write_bytes(Path(ca_file).read_bytes())
    with PostOffice(mode="starttls", tls=tls) as post:
        relay = Smtp(NAME, post.port, "starttls", "a@example.com", ca_file=str(copy))

        async def main() -> None:
            allow = frozenset({f"{NAME}:{post.port}"})
            egress = Egress(allow, resolver=lambda _h, _p: ["127.0.0.1"])
            mail = channels.build(egress, smtp=relay)["mail"]
            await mail.send(PAGE, To("ana@example.com"))
            copy.unlink()
            await mail.send(PAGE, To("ana@example.com"))
            await egress.close()

        asyncio.run(main())
        assert len(post.letters) == 2
