"""What an incident means for customers, in one or two sentences, from what the estate declares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from mainstay.diagnosis.material import Measure
from mainstay.diagnosis.series.measures import measure_of
from mainstay.estate import Service, View

TIERS = {
    1: "the business stops without it",
    2: "the business is hampered without it",
    3: "it can wait",
}
SHOWN_MAX = 3


def business_sentence(
    view: View, services: Sequence[str], *, title: str, severity: str, since: datetime,
    until: datetime | None,
) -> str:  # fmt: skip
    """What customers notice, since when, and how it can go on in part. `until` None: it is not over."""
    declared = view.estate.services
    when = _when(since, until, ZoneInfo(view.estate.org.timezone))
    hit = {name: declared[name] for name in services if name in declared}
    verb = _verb(title, severity, over=until is not None)
    direct = [one.business for one in hit.values() if one.business]
    users = dict.fromkeys(user for name in services for user in view.users(name) if user not in hit)
    at_risk = {
        user: declared[user] for user in users if user in declared and declared[user].business
    }
    parts: list[str] = []
    if direct:
        parts.append(f"{_listed(direct)} {_agreed(verb, direct)} {when}.")
    if at_risk:
        parts.append(_at_risk(at_risk, hit, services, when=when, over=until is not None))
    if not parts:
        parts.append(_unknown(hit, services, verb=verb, when=when))
    ways = dict.fromkeys(one.degrade for one in (*hit.values(), *at_risk.values()) if one.degrade)
    if ways and until is None:
        parts.append(f"It can go on in part: {_listed(list(ways))}.")
    return " ".join(parts)


def _at_risk(
    at_risk: dict[str, Service], hit: dict[str, Service], services: Sequence[str], *, when: str,
    over: bool,
) -> str:  # fmt: skip
    words = [str(one.business) for one in at_risk.values()][:SHOWN_MAX]
    needed = _listed([_name(hit.get(name), name) for name in services][:SHOWN_MAX])
    verb = "may have suffered" if over else "may suffer"
    return (
        f"{_listed(words)} {verb} {when}: {'they need' if len(words) > 1 else 'it needs'} {needed}."
    )


def _unknown(hit: dict[str, Service], services: Sequence[str], *, verb: str, when: str) -> str:
    names = [_name(hit.get(name), name) for name in services][:SHOWN_MAX]
    tiers = sorted(one.tier for one in hit.values())
    tier = f" (tier {tiers[0]}: {TIERS[tiers[0]]})" if tiers else ""
    unsaid = "what that means for customers is not declared"
    return f"{_listed(names)}{tier} {_agreed(verb, names)} {when}; {unsaid}."


def _verb(title: str, severity: str, *, over: bool) -> str:
    if severity in ("warning", "info"):
        return "was at risk" if over else "is at risk"
    if measure_of(title) is Measure.LATENCY:
        return "was slow" if over else "is slow"
    return "failed" if over else "fails"


def _agreed(verb: str, names: Sequence[str]) -> str:
    """The verb for one thing or for several."""
    if len(names) == 1:
        return verb
    return {"fails": "fail", "is slow": "are slow", "is at risk": "are at risk"}.get(
        verb, verb.replace("was", "were")
    )


def _when(since: datetime, until: datetime | None, zone: ZoneInfo) -> str:
    begins = since.astimezone(zone)
    if until is None:
        return f"since {begins:%H:%M}"
    return f"from {begins:%H:%M} to {until.astimezone(zone):%H:%M}"


def _name(service: Service | None, name: str) -> str:
    return (service.name if service is not None else None) or name


def _listed(words: Sequence[str]) -> str:
    some = list(dict.fromkeys(words))
    if len(some) > SHOWN_MAX:
        some = [*some[:SHOWN_MAX], f"{len(some) - SHOWN_MAX} more"]
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"
