"""HTTP and HTTPS: status, latency, headers, body, certificate; and transactions of several steps."""

from __future__ import annotations

import base64
import json
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import re2

from mainstay.checks.probes.net import certificates
from mainstay.checks.probes.net.wire import Exchange, exchange
from mainstay.checks.result import EVIDENCE_BYTES_MAX, Ask, Measured, Value
from mainstay.estate import Expectation, NoPast, json_path, judge, parse
from mainstay.estate.collections import Http, HttpStep
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid, Outside
from mainstay.foundation.secrets import redactor, resolve

REDIRECTS_MAX = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
KEPT_CHARS_MAX = 4096
SECRET_CHARS_MIN = 4
"""A kept value shorter than this is a number or a word: blanking it would hide the answer."""


class HttpProbe:
    """Speaks HTTP/1.1, a new connection for each request."""

    def __init__(self, egress: Egress, environment: Mapping[str, str]) -> None:
        self._egress = egress
        self._environment = environment
        self._contexts = lru_cache(maxsize=64)(egress.tls_context)

    async def measure(self, ask: Ask) -> Measured:
        """Of one request, or of the steps of a transaction up to the first that fails."""
        http = ask.check.http
        assert http is not None
        if http.steps:
            return await self._transaction(ask, http)
        body = _body(http.body, http.json_)
        secrets = self._secrets(http)
        headers = http.headers | _proof(http, secrets)
        if http.json_ is not None:
            headers = {"content-type": "application/json"} | headers
        assert http.url is not None
        found, redirects = await self._follow(http, http.method, http.url, headers, body)
        values = _values(found, ask) | {"redirects": redirects}
        return Measured(_blank(values, secrets), _evidence(found, secrets))

    async def _follow(
        self, http: Http, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Exchange, int]:
        """The answer, after the redirects within the same host that `follow` allows."""
        total = connect = 0.0
        redirects = 0
        while True:
            found = await exchange(
                self._egress,
                method,
                url,
                headers=headers,
                body=body,
                context=self._context(http, url),
            )
            total += found.total_s
            connect += found.connect_s
            location = found.headers.get("location")
            may_follow = http.follow and redirects < REDIRECTS_MAX
            if not may_follow or found.status not in REDIRECTS or location is None:
                break
            target = urljoin(url, location)
            if urlsplit(target).netloc != urlsplit(url).netloc:
                break
            url, redirects = target, redirects + 1
            if found.status == 303 or (found.status in (301, 302) and method == "POST"):
                method, body = "GET", b""
        found.total_s, found.connect_s = total, connect
        return found, redirects

    def _context(self, http: Http, url: str) -> ssl.SSLContext | None:
        if not url.lower().startswith("https:"):
            return None
        try:
            return self._contexts(http.ca)
        except OSError as error:
            raise Invalid(
                f"The authorities in {http.ca} cannot be read: {error.strerror}."
            ) from error

    def _secrets(self, http: Http) -> list[str]:
        return [] if http.secret is None else [resolve(http.secret, environment=self._environment)]

    # -- transactions ------------------------------------------------------------------------------

    async def _transaction(self, ask: Ask, http: Http) -> Measured:
        """Each step in turn; what one keeps, later ones use. Kept values stand in no result."""
        kept: dict[str, str] = {}
        values: dict[str, Value] = {}
        total, evidence, secrets = 0.0, b"", self._secrets(http)
        for number, step in enumerate(http.steps, start=1):
            try:
                found = await self._step(step, http, kept, secrets)
                values = _values(found, ask)
                total += found.total_s
                trouble = _unheld(step, values) or _keep(step, found, values, kept)
                evidence = _evidence(found, [*secrets, *kept.values()])
            except Outside as error:
                trouble = error.sentence
            values |= {"latency": total, "steps_done": number - bool(trouble)}
            if trouble:
                words = redactor([*secrets, *kept.values()])(trouble)
                words = f"step {number} of {len(http.steps)}: {words}"
                return Measured(_of_the_last(values), evidence, trouble=words)
        return Measured(_of_the_last(values), evidence)

    async def _step(
        self, step: HttpStep, http: Http, kept: dict[str, str], secrets: list[str]
    ) -> Exchange:
        url = _filled(step.url, kept)
        headers = {name: _filled(text, kept) for name, text in step.headers.items()}
        headers |= _proof(http, secrets)
        body = _body(
            None if step.body is None else _filled(step.body, kept), _filled_json(step.json_, kept)
        )
        if step.json_ is not None:
            headers = {"content-type": "application/json"} | headers
        return await exchange(
            self._egress, step.method, url, headers=headers, body=body,
            context=self._context(http, url),
        )  # fmt: skip


def _values(found: Exchange, ask: Ask) -> dict[str, Value]:
    return {
        "status": found.status, "latency": found.total_s, "connect": found.connect_s,
        "handshake": found.handshake_s, "first_byte": found.first_byte_s,
        "size": len(found.body), "headers": found.headers, "body": _read_body(found.body),
        **certificates.of_line(found.tls, ask.now),
    }  # fmt: skip


def _read_body(body: bytes) -> Any:
    """As JSON where it is; text else, whatever bytes came."""
    text = body.decode("utf-8", "replace")
    if text[:1].strip() in ("{", "[", '"') or text.strip() in ("true", "false", "null"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _body(text: str | None, as_json: Any) -> bytes:
    return json.dumps(as_json).encode() if as_json is not None else (text or "").encode()


def _filled(text: str, kept: Mapping[str, str]) -> str:
    """`{name}` replaced by what an earlier step kept; other braces stay."""
    return _PLACE.sub(lambda match: kept.get(match[1], match[0]), text)


def _filled_json(value: Any, kept: Mapping[str, str]) -> Any:
    match value:
        case str():
            return _filled(value, kept)
        case list():
            return [_filled_json(one, kept) for one in value]
        case dict():
            return {name: _filled_json(one, kept) for name, one in value.items()}
    return value


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Expectation:
    return parse(text)


def _unheld(step: HttpStep, values: Mapping[str, Value]) -> str | None:
    """What of the step's conditions does not hold; without any, a status from 400 on is a failure."""
    if not step.expect and values["status"] >= 400:
        return f"status is {values['status']}"
    for text in step.expect:
        held = judge(_parsed(text), values, NoPast())
        if not held.holds:
            return held.words
    return None


def _keep(
    step: HttpStep, found: Exchange, values: Mapping[str, Value], kept: dict[str, str]
) -> str | None:
    """Put what the step keeps into `kept`; what is missing is said."""
    for name, where in step.keep.items():
        got = _pick(where, found, values)
        if got is None:
            return f"there is nothing to keep as {name!r} at {where}"
        kept[name] = str(got)[:KEPT_CHARS_MAX]
    return None


def _pick(where: str, found: Exchange, values: Mapping[str, Value]) -> Any:
    if where.startswith("header:"):
        return found.headers.get(where.removeprefix("header:").strip().lower())
    if where.startswith("re:"):
        match = re2.search(where.removeprefix("re:"), found.body.decode("utf-8", "replace"))
        if match is None:
            return None
        return match.group(1) if match.re.groups else match.group(0)
    return json_path(where).find(values["body"])


def _of_the_last(values: Mapping[str, Value]) -> dict[str, Value]:
    """Without body and headers, in which tokens come."""
    return {name: value for name, value in values.items() if name not in ("body", "headers")}


def _proof(http: Http, secrets: list[str]) -> dict[str, str]:
    """The header that proves who asks."""
    if not secrets:
        return {}
    if http.user is None:
        return {"authorization": f"Bearer {secrets[0]}"}
    words = base64.b64encode(f"{http.user}:{secrets[0]}".encode()).decode()
    return {"authorization": f"Basic {words}"}


def _evidence(found: Exchange, secrets: list[str]) -> bytes:
    """The first of what was answered; what proves somebody is blanked, in whatever form it came."""
    text = found.body[: 2 * EVIDENCE_BYTES_MAX].decode("utf-8", "replace")
    return redactor([one for one in secrets if len(one) >= SECRET_CHARS_MIN])(text).encode()


def _blank(values: dict[str, Value], secrets: list[str]) -> dict[str, Value]:
    """A body that repeats our secret does not show it."""
    if secrets and isinstance(values["body"], str):
        values["body"] = redactor(secrets)(values["body"])
    return values
