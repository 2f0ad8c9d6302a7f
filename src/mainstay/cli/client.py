"""The client of our own API: one request at a time on the standard library, to one address only.

What the server refuses comes out as the same kinds of error that it raised there, so that the
command line has one way to end: a sentence, and an exit code.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mainstay.foundation.errors import (
    BadReply,
    Invalid,
    Refused,
    Rejected,
    TimedOut,
    Unknown,
    Unreachable,
)
from mainstay.foundation.settings import HostPort

API = "/mainstay/v1"
TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 32 * 1024 * 1024
"""A longer answer is no answer of ours: lists have at most 500 items a page."""
PAGE_MAX = 500
"""Items in one page of a list; the API's own limit."""

Json = dict[str, Any]


class Client:
    """Speaks to one Mainstay. Opens a connection for each request, and follows no redirect."""

    def __init__(self, url: str, token: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """Invalid when `url` is not one that a token may be sent to."""
        self.url = url.rstrip("/")
        self._token = token
        self._timeout_s = timeout_s
        self._parts = urlsplit(_checked(self.url))

    def get(self, path: str, **query: object) -> Json:
        """The JSON at `path` (below the API's root). Query values that are None are left out."""
        return self._json("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Json:
        """Post JSON; the JSON answer."""
        return self._json("POST", path, body=body or {})

    def delete(self, path: str, **query: object) -> Json:
        """Delete; the JSON answer, empty when there is none."""
        return self._json("DELETE", path, query=query)

    def text(self, path: str, **query: object) -> str:
        """The body at `path` as text, for what is not JSON (a calendar)."""
        return self._send("GET", path, query=query).decode("utf-8", "replace")

    def items(self, path: str, **query: object) -> list[Json]:
        """A list that has no pages, whole."""
        return _items(self.get(path, **query), self.url)

    def pages(
        self, path: str, *, limit: int, cursor: str = "after", **query: object
    ) -> Iterator[Json]:
        """Up to `limit` items of a list, page after page; `cursor`: how it wants `next` back."""
        following = None
        while limit > 0:
            asked = {**query, "limit": min(limit, PAGE_MAX), cursor: following}
            page = self.get(path, **asked)
            found = _items(page, self.url)
            yield from found[:limit]
            limit -= len(found)
            following = page.get("next")
            if not following or not found:
                return

    def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Json:
        raw = self._send(method, path, query=query, body=body)
        if not raw:
            return {}
        found = _parsed(raw)
        if isinstance(found, list):
            return {"items": found, "next": None}
        if not isinstance(found, dict):
            raise BadReply(f"{self.url} does not answer like a Mainstay; check --url.")
        return found

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        sent = None
        if body is not None:
            sent = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        target = self._parts.path + API + path + _query(query or {})
        connection = self._connection()
        try:
            connection.request(method, target, body=sent, headers=headers)
            answer = connection.getresponse()
            raw = answer.read(ANSWER_BYTES_MAX + 1)
        except TimeoutError as error:
            raise TimedOut(
                f"{self.url} did not answer within {self._timeout_s:g} s; it may have done it."
            ) from error
        except ssl.SSLError as error:
            raise Unreachable(_no_tls(self.url, error)) from error
        except OSError as error:
            raise Unreachable(_nobody(self.url, error)) from error
        except http.client.HTTPException as error:
            raise BadReply(f"{self.url} does not speak HTTP as we know it; check --url.") from error
        finally:
            connection.close()
        if len(raw) > ANSWER_BYTES_MAX:
            raise BadReply(f"{self.url} answered with more than {ANSWER_BYTES_MAX} bytes.")
        if answer.length:  # of what was announced, this much did not come
            raise BadReply(f"{self.url} broke off in the middle of its answer; try again.")
        if not 200 <= answer.status < 300:
            raise _refusal(answer.status, raw, self.url)
        return raw

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            trusted = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=trusted)
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)


def part(text: str) -> str:
    """`text` as one part of a path."""
    return quote(text, safe="")


def _items(page: Json, url: str) -> list[Json]:
    found = page.get("items")
    if not isinstance(found, list):
        raise BadReply(f"{url} answered without a list; is it a Mainstay?")
    return found


def _checked(url: str) -> str:
    """`url`, when a token may travel to it."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        raise Invalid(f"{url!r} is not an address; write --url http://127.0.0.1:8460.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise Invalid(f"{url!r} is not an address; write --url http://127.0.0.1:8460.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Invalid("--url takes an address alone; give the token by MAINSTAY_TOKEN.")
    if parts.scheme == "http" and not HostPort(parts.hostname, 0).loopback:
        raise Invalid(f"Your token would travel to {url} unencrypted; use https://.")
    return url


def _query(query: Mapping[str, object]) -> str:
    given = {
        key: value if isinstance(value, list) else str(value)
        for key, value in query.items()
        if value is not None
    }
    return f"?{urlencode(given, doseq=True)}" if given else ""


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _nobody(url: str, error: OSError) -> str:
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    here = HostPort(urlsplit(url).hostname or "", 0).loopback
    mend = "Start it with: mainstay serve" if here else "Does it run there? Else mend --url."
    return f"No Mainstay answers at {url} ({reason}). {mend}"


def _no_tls(url: str, error: ssl.SSLError) -> str:
    if error.reason == "WRONG_VERSION_NUMBER":
        return f"No trusted TLS with {url}: what answers there speaks no TLS; write http://?"
    return f"No trusted TLS with {url}: {error.reason or error}."


def _refusal(status: int, raw: bytes, url: str) -> Refused | Rejected | BadReply:
    """What the server said, as an error: theirs to mend is Refused, ours is not."""
    found = _parsed(raw)
    if not isinstance(found, dict) or "title" not in found:
        return BadReply(f"{url} answered {status}, but not like a Mainstay; check --url.")
    words = str(found.get("detail") or found["title"])
    facts = {"status": status, "code": found.get("code"), "pointer": found.get("pointer")}
    if isinstance(found.get("retry_after_s"), int | float):
        words += f" Try again in {found['retry_after_s']:g} s."
    if status == 401:
        return Unknown(
            f"{url} does not take your token: it is none of its own, has expired or was revoked. "
            "Give another by --token or MAINSTAY_TOKEN; on the server's machine "
            "`mainstay token create PERSON --about …` makes one.",
            **facts,
        )
    if status < 500:
        return Refused(words, **facts)
    return Rejected(words, reply=status, code=found.get("code"))
