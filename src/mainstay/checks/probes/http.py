"""HTTP and HTTPS: status, latency, headers, body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import perf_counter

from mainstay.checks.result import Ask, Measured
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Outside
from mainstay.foundation.secrets import resolve


class HttpProbe:
    """One request through the guard; redirects are answers."""

    def __init__(self, egress: Egress, environment: Mapping[str, str]) -> None:
        self._egress = egress
        self._environment = environment

    async def measure(self, ask: Ask) -> Measured:
        """Status, latency in seconds, size in bytes, headers, body (as JSON where it is)."""
        http = ask.check.http
        assert http is not None
        assert http.url is not None
        headers = dict(http.headers)
        if http.secret is not None:
            secret = resolve(http.secret, environment=self._environment)
            headers["authorization"] = f"Bearer {secret}"
        body = (http.body or "").encode()
        started = perf_counter()
        try:
            reply = await self._egress.request(
                http.method, http.url, headers=headers, body=body, timeout_s=ask.timeout_s
            )
        except Outside as error:
            return Measured({"latency": perf_counter() - started}, trouble=error.sentence)
        text = reply.body.decode("utf-8", "replace")
        values = {
            "status": reply.status, "latency": perf_counter() - started,
            "size": len(reply.body), "headers": dict(reply.headers), "body": _body(text),
        }  # fmt: skip
        return Measured(values, reply.body)


def _body(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
