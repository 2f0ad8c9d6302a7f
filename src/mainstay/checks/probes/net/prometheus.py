"""A query to a Prometheus (its HTTP API, /api/v1/query)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from time import perf_counter
from typing import Any
from urllib.parse import quote

from mainstay.checks.result import Ask, Measured
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Invalid, Rejected
from mainstay.foundation.secrets import resolve


class PrometheusProbe:
    """Over the shared client: its connections are kept."""

    def __init__(self, egress: Egress, environment: Mapping[str, str]) -> None:
        self._egress = egress
        self._environment = environment

    async def measure(self, ask: Ask) -> Measured:
        """`value` (of several samples the greatest), `samples`, `latency`. No sample: no value."""
        wanted = ask.check.prometheus
        assert wanted is not None
        base = wanted.url or ask.prometheus
        if base is None:
            raise Invalid("No Prometheus is named: org: {prometheus: http://…}.")
        headers = {}
        if wanted.secret is not None:
            secret = resolve(wanted.secret, environment=self._environment)
            headers["authorization"] = f"Bearer {secret}"
        url = f"{base.rstrip('/')}/api/v1/query?query={quote(wanted.query, safe='')}"
        begun = perf_counter()
        reply = await self._egress.request("GET", url, headers=headers, timeout_s=ask.timeout_s)
        latency = perf_counter() - begun
        try:
            answer = json.loads(reply.body)
        except ValueError:
            raise BadReply(f"Prometheus answers {reply.status}, and not in JSON.") from None
        if reply.status != 200 or answer.get("status") != "success":
            words = str(answer.get("error", f"status {reply.status}"))[:200]
            raise Rejected(f"Prometheus refuses the query: {words}.", reply=reply.status)
        samples = _samples(answer.get("data") or {})
        values = {"samples": len(samples), "latency": latency}
        if not samples:
            return Measured(values, reply.body, trouble="The query finds no sample.")
        return Measured(values | {"value": max(samples)}, reply.body)


def _samples(found: Mapping[str, Any]) -> list[float]:
    """The numbers of a scalar or a vector; NaN and infinities are none."""
    result = found.get("result") or []
    pairs = [result] if found.get("resultType") == "scalar" else [o.get("value") for o in result]
    numbers = [float(pair[1]) for pair in pairs if pair]
    return [number for number in numbers if isfinite(number)]
