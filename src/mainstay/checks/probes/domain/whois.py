"""whois (RFC 3912): the registry's server by IANA's, the day by the words that registries use."""

from __future__ import annotations

import asyncio
import re

from mainstay.checks.probes.domain.registration import Registration, instant
from mainstay.checks.probes.net.line import place
from mainstay.checks.probes.net.wire import why
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Invalid, Outside

PORT = 43
ROOT = "whois.iana.org:43"
REPLY_BYTES_MAX = 64 * 1024
_REFER = re.compile(r"^\s*(?:whois|refer):\s*(\S+)\s*$", re.I | re.M)
_ENDS = re.compile(
    r"^[\s*]*(?:registry expiry date|registrar registration expiration date|expir\w*(?:[ -]?(?:date|on|time))?"
    r"|paid-till|valid[ -]?until|renewal date|validity|domain expires|record expires(?: on)?"
    r"|free-date|expiration_date)\s*\.*\s*:\s*(\S.*?)\s*$",
    re.I | re.M,
)
_REGISTRAR = re.compile(r"^[\s*]*registrar(?: name)?\s*:\s*(\S.*?)\s*$", re.I | re.M)
_STATUS = re.compile(r"^[\s*]*(?:domain )?status\s*:\s*(\S+)", re.I | re.M)
_NOBODY = re.compile(
    r"no match|not found|no data found|no entries found|no object found|status:\s*(?:free|available)"
    r"|is available for|not registered",
    re.I,
)


class Whois:
    """One question on one connection, as the protocol is."""

    def __init__(self, egress: Egress, root: str) -> None:
        self._egress = egress
        self._root = root

    async def ask(self, name: str, server: str | None, *, timeout_s: float) -> Registration:
        """What `server`, else the registry's, says. An Outside error when nobody answers in time."""
        try:
            async with asyncio.timeout(timeout_s):
                text = await self._said(server or await self._registry(name), name)
        except TimeoutError:
            raise Outside(f"whois did not answer for {name} within {timeout_s:g} s.") from None
        ends = next((at for one in _ENDS.findall(text) if (at := instant(one)) is not None), None)
        if ends is None and _NOBODY.search(text):
            return Registration("whois", is_registered=False)
        registrar = _REGISTRAR.search(text)
        return Registration(
            "whois", True, ends, registrar[1][:200] if registrar else None,
            tuple(_STATUS.findall(text)[:20]),
        )  # fmt: skip

    async def _registry(self, name: str) -> str:
        """The server of the top-level domain, as the root says."""
        zone = name.rpartition(".")[2]
        match = _REFER.search(await self._said(self._root, zone))
        if match is None:
            raise BadReply(f"{self._root} knows no whois server of .{zone}.")
        return match[1]

    async def _said(self, server: str, question: str) -> str:
        try:
            host, port = place(server, PORT)
        except Invalid as error:
            raise BadReply(f"{server!r} is no address of a whois server.") from error
        sock = await self._egress.dial(host, port, known=(PORT,))
        reader, writer = await asyncio.open_connection(sock=sock)
        try:
            writer.write(question.encode("ascii") + b"\r\n")
            text = b""
            while len(text) < REPLY_BYTES_MAX and (chunk := await reader.read(8192)):
                text += chunk
        except OSError as error:
            raise BadReply(f"{server} broke off: {why(error)}.") from error
        finally:
            writer.transport.abort()
        if not text:
            raise BadReply(f"{server} closed the connection without a word.")
        return text[:REPLY_BYTES_MAX].decode("utf-8", "replace")
