"""One look of a probe, by hand: an estate with one check, the real probe, its judged result."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mainstay import checks, estate
from mainstay.checks import probes
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import MainstayError

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
BASE = {
    "org": {"name": "Alpenpay", "timezone": "Europe/Zurich"},
    "people": {"ana": {"name": "Ana"}},
    "services": {"shop": {"tier": 1, "type": "host"}},
    "routes": [{"to": "service:shop"}],
    "escalations": {"fallback": {"steps": [{"after": "0m", "notify": ["person:ana"]}]}},
}


def sheet(check: Mapping[str, Any], **more: Any) -> checks.Sheet:
    """The one check `it`, compiled."""
    values = {**BASE, "checks": {"it": {"service": "shop", **check}}, **more}
    return checks.Sheet(estate.View(1, estate.from_values(values)))


def look(
    check: Mapping[str, Any],
    *,
    allow: tuple[str, ...] = (),
    now: datetime | None = None,
    last: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    data_dir: Path | None = None,
    ca_file: str | None = None,
    name: str = "it",
    **more: Any,
) -> checks.Result:
    """What one look gives, with the real probe behind the real guard."""
    compiled = sheet(check, **more)
    one = compiled.watched[name]
    at = now or datetime.now(UTC)
    ask = checks.Ask(
        one.name, one.check, one.host_id, one.host, at, compiled.business_date(one, at), last or {},
        compiled.estate.org.prometheus,
    )  # fmt: skip
    return asyncio.run(_look(compiled, one, ask, allow, environment or {}, data_dir, ca_file))


async def _look(
    compiled: checks.Sheet, one: checks.Watched, ask: checks.Ask, allow: tuple[str, ...],
    environment: Mapping[str, str], data_dir: Path | None, ca_file: str | None,
) -> checks.Result:  # fmt: skip
    egress = Egress(frozenset(allow), ca_file=ca_file)
    made = probes.build(egress, environment=environment, install="test", data_dir=data_dir)
    try:
        async with asyncio.timeout(ask.timeout_s):
            measured = await made[one.check.probe].measure(ask)
    except TimeoutError:
        measured = checks.Measured({}, trouble="No answer in time.")
    except MainstayError as error:
        measured = checks.Measured({}, trouble=error.sentence)
    finally:
        probes.close(made)
        await egress.close()
    result = checks.result_of(
        one, compiled, measured, past=estate.NoPast(), at=ask.now, duration_us=1
    )
    return replace(result, values={**measured.values, **result.values})
