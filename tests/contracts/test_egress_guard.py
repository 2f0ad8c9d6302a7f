"""Can anything written in an address make Mainstay call private ground? (PROMISES P18)"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest

from fakes.world import Status, World
from mainstay.foundation.addresses import is_never_meant, is_public
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid, Outside, Unreachable

PUBLIC = "93.184.216.34"

# Every way to write a private, local or metadata address that we know of.
FORBIDDEN_HOSTS = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "10.0.0.5",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "169.254.169.254",
    "2852039166",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::1]",
    "[2001:0:5db8:d822:0:0:80ff:fffe]",
    "[2606:4700::5efe:7f00:1]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[4000::1]",
]
FORBIDDEN_URLS = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "ftp://127.0.0.1:{port}/",
    "unix:///run/docker.sock",
    "//127.0.0.1:{port}/",
    "http://user:secret@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x",
    "http://127.0.0.1:{port}\t/",
    "http://127.0.0.1%00.example.com:{port}/",
    "http://127。0。0。1:{port}/",
    "http://①②⑦.0.0.1:{port}/",
    "http://:{port}/",
    "http://[127.0.0.1:{port}/",
    "http://example.com:0/",
    "http://example.com:99999/",
    "http://example.com:22/",
    "http://example.com:6379x/",
]


@contextmanager
def tripwire() -> Iterator[tuple[int, list[str]]]:
    """A listener on every address of this machine, IPv4 and IPv6, that notes who connects."""
    tripped: list[str] = []
    listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)

    def listen() -> None:
        while True:
            try:
                line, peer = listener.accept()
            except OSError:
                return
            tripped.append(str(peer))
            line.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield listener.getsockname()[1], tripped
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def with_egress(egress: Egress, use: Callable[[Egress], Awaitable[object]]) -> None:
    async def main() -> None:
        try:
            await use(egress)
        finally:
            await egress.close()

    asyncio.run(main())


def failures(egress: Egress, urls: list[str]) -> list[Outside]:
    """The error of each call; every one must fail."""
    errors: list[Outside] = []

    async def use(egress: Egress) -> None:
        for url in urls:
            with pytest.raises(Outside) as caught:
                await egress.request("GET", url, timeout_s=5)
            errors.append(caught.value)

    with_egress(egress, use)
    return errors


def refused(egress: Egress, url: str) -> Unreachable:
    [error] = failures(egress, [url])
    assert isinstance(error, Unreachable)
    return error


def test_no_notation_of_a_private_address_reaches_a_listener_on_this_machine() -> None:
    with tripwire() as (port, tripped):
        urls = [f"http://{host}:{port}/" for host in FORBIDDEN_HOSTS]
        urls += [url.format(port=port) for url in FORBIDDEN_URLS]
        for url, error in zip(urls, failures(Egress(), urls), strict=True):
            assert isinstance(error, Unreachable), url
        assert tripped == []
        # The wire is live: allowed, the same listener is reached.
        failures(Egress(frozenset({f"127.0.0.1:{port}"})), [f"http://127.0.0.1:{port}/"])
        assert len(tripped) == 1


@pytest.mark.parametrize("host", FORBIDDEN_HOSTS)
def test_a_name_that_leads_to_a_private_address_is_refused_and_the_way_out_is_told(
    host: str,
) -> None:
    text = host.strip("[]").replace("%25", "%")
    try:
        ip_address(text)
    except ValueError:
        text = "127.0.0.1"
    egress = Egress(resolver=lambda _host, _port: [text])
    error = refused(egress, "https://hooks.example.com/secret-path")
    assert error.permanent
    assert 'add "hooks.example.com:443" to egress.allow' in error.sentence
    assert "secret-path" not in error.sentence


def test_one_private_address_among_public_ones_is_refused() -> None:
    with tripwire() as (port, tripped):
        egress = Egress(resolver=lambda _host, _port: [PUBLIC, "127.0.0.1"])
        assert refused(egress, f"http://mixed.example.com:{port}/").permanent
        assert tripped == []


def test_a_name_that_changes_its_address_after_the_check_is_not_asked_again() -> None:
    answers = [["2001:4860:4860::8888"], ["127.0.0.1"], ["127.0.0.1"]]
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers.pop(0)

    with tripwire() as (port, tripped):

        async def use(egress: Egress) -> None:
            url = f"http://rebind.example.com:{port}/"
            with pytest.raises(Unreachable) as first:
                await egress.request("GET", url, timeout_s=0.5)
            assert len(asked) == 1
            assert not first.value.permanent
            with pytest.raises(Unreachable) as second:
                await egress.request("GET", url, timeout_s=0.5)
            assert second.value.permanent

        with_egress(Egress(resolver=rebinding), use)
        assert tripped == []


def test_the_address_that_was_judged_is_the_one_that_is_called_and_the_name_stays_in_host() -> None:
    with World() as world:
        hook = world.provider()
        where = f"hooks.example.com:{hook.port}"
        egress = Egress(frozenset({where}), resolver=lambda _host, _port: ["127.0.0.1"])

        async def use(egress: Egress) -> None:
            await egress.request("GET", f"http://{where}/x")

        with_egress(egress, use)
        assert hook.hits[0].headers["host"] == where


def test_a_redirect_is_an_answer_and_nothing_follows_it() -> None:
    with tripwire() as (port, tripped), World() as world:
        last = world.provider()
        first = world.provider()
        first.always = Status(302, headers={"Location": f"http://{last.at}/"})
        last.always = Status(307, headers={"Location": f"http://127.0.0.1:{port}/"})
        egress = Egress(frozenset({first.at, last.at}))

        async def use(egress: Egress) -> None:
            reply = await egress.request("POST", first.url, body=b"x")
            assert reply.status == 302
            assert (await egress.request("POST", last.url, body=b"x")).status == 307

        with_egress(egress, use)
        assert len(first.hits) == len(last.hits) == 1
        assert tripped == []


def test_proxy_variables_of_the_environment_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with tripwire() as (port, tripped), World() as world:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        hook = world.provider()

        async def use(egress: Egress) -> None:
            await egress.request("GET", hook.url)

        with_egress(Egress(frozenset({hook.at})), use)
        assert len(hook.hits) == 1
        assert tripped == []


def test_an_allowed_name_still_does_not_lead_to_metadata() -> None:
    for address in ("169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "0.0.0.0"):
        egress = Egress(frozenset({"hooks.internal:443"}), resolver=lambda _h, _p, a=address: [a])
        assert refused(egress, "https://hooks.internal/").permanent, address


def test_allowing_one_port_opens_no_other() -> None:
    with tripwire() as (port, tripped):
        refused(Egress(frozenset({f"127.0.0.1:{port + 1}"})), f"http://127.0.0.1:{port}/")
        refused(Egress(frozenset({f"localhost:{port}"})), f"http://127.0.0.1:{port}/")
        assert tripped == []


def test_the_mail_socket_goes_through_the_same_guard() -> None:
    with tripwire() as (port, tripped):
        for host in ("127.0.0.1", "localhost", "127.1", "::1", "::ffff:127.0.0.1"):
            with pytest.raises(Unreachable, match=r"egress\.allow"):
                Egress().connect_socket(host, port)
        with pytest.raises(Unreachable, match="Port 22"):
            Egress(resolver=lambda _h, _p: [PUBLIC]).connect_socket("example.com", 22)
        assert tripped == []
        Egress(frozenset({f"127.0.0.1:{port}"})).connect_socket("127.0.0.1", port).close()


@pytest.mark.parametrize(
    "text",
    [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"],
)
def test_what_everybody_can_reach_is_public(text: str) -> None:
    assert is_public(ip_address(text))
    assert not is_never_meant(ip_address(text))


def test_check_says_at_once_what_could_never_be_called() -> None:
    egress = Egress()
    assert egress.check("https://Hooks.Example.com/a?b=c#d") == "https://hooks.example.com/a?b=c"
    assert egress.check("https://bücher.example") == "https://xn--bcher-kva.example/"
    for url in ("https://10.0.0.1/", "http://[::1]/", "javascript:alert(1)", "https://a b/", ""):
        with pytest.raises(Invalid):
            egress.check(url)
