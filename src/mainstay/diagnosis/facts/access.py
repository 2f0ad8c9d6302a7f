"""What opens doors: certificates, accounts, connections, names; and the vendors behind them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.facts.fact import FactKind
from mainstay.diagnosis.facts.look import (
    OBSERVED,
    USUAL,
    Look,
    hypothesis,
    seen,
    short,
    time,
    word,
)

RECENT = timedelta(days=2)
"""A certificate that ended longer ago has been lived with."""
SHUT = ("timed out", "refused", "reset", "unreachable")
ILL = ("down", "degraded", "maintenance")


def expired_certificates(look: Look) -> Iterator[Hypothesis]:
    """Its last day is over; or nobody accepts it any more."""
    end = max((f.at for f in look.facts if f.at), default=look.since)
    for one, _ in look.pairs(FactKind.CERTIFICATE):
        ended = time(one, "not_after")
        if ended is None or ended > end:
            continue
        fresh = ended >= look.since - RECENT
        refused = [seen(f, f"{f.where} refuses it.") for f, _ in look.pairs(FactKind.CONNECTION)
                   if word(f, "outcome") == "bad certificate" and short(f.name) == one.where]  # fmt: skip
        yield hypothesis(
            one, "expired-certificate", CauseClass.CONFIGURATION, f"The certificate {one.name} of {one.where} has expired.",
            says=f"It was good until {ended:%Y-%m-%d %H:%M} UTC.", more=refused, since=ended, detail=one.where,
            score=OBSERVED if fresh else USUAL, confirm=f"openssl s_client against {one.name}.",
            against=() if fresh else (Evidence("It had ended long before the incident."),),
        )  # fmt: skip


def expired_accounts(look: Look) -> Iterator[Hypothesis]:
    """An account may not sign in any more."""
    for one, was in look.pairs(FactKind.ACCOUNT):
        state, before = word(one, "state"), word(was, "state")
        if state not in ("expired", "locked"):
            continue
        new = state != before
        yield hypothesis(
            one, "expired-password", CauseClass.CONFIGURATION,
            f"The account {one.name} of {one.where} is {state}{'; its password has run out' if time(one, 'expires_at') else ''}.",
            says=f"Its state is {state}; {before or 'unknown'} before.", score=OBSERVED if new else USUAL,
            since=look.first(one, "state", state), confirm=f"Sign in as {one.name}; then who renews it.",
        )  # fmt: skip


def shut_connections(look: Look) -> Iterator[Hypothesis]:
    """What could be reached before cannot be reached from there now."""
    pairs = list(look.pairs(FactKind.CONNECTION))
    pushes = [seen(f, f"{word(f, 'what')} by {word(f, 'by')} shortly before.") for f in look.all(FactKind.CHANGE)
              if "network" in f"{f.where} {word(f, 'what')}".lower() or "firewall" in word(f, "what").lower()]  # fmt: skip
    for one, was in pairs:
        outcome = word(one, "outcome")
        if outcome not in SHUT or word(was, "outcome") == outcome or short(one.name) in _ill(look):
            continue
        others = [seen(f, f"{f.where} still reaches it.") for f, _ in pairs
                  if f.name == one.name and f.where != one.where and word(f, "outcome") == "ok"]  # fmt: skip
        vendor = short(one.name) in look.vendors
        yield hypothesis(
            one, "firewall-change", CauseClass.NETWORK, f"{one.where} does not get through to {one.name}: {outcome}.",
            says=f"{outcome}; {word(was, 'outcome') or 'unknown'} before.", more=[*others, *pushes], detail=one.name,
            score=0.5 if vendor else OBSERVED if others or outcome == "timed out" else 0.85,
            since=look.first(one, "outcome", outcome),
            confirm=f"From {one.where}: nc -vz to {one.name}; on the other side, does anything arrive?",
        )  # fmt: skip


def changed_names(look: Look) -> Iterator[Hypothesis]:
    """A name leads nowhere, or elsewhere than before."""
    for one, was in look.pairs(FactKind.LOOKUP):
        error, answer, before = word(one, "error"), word(one, "answer"), word(was, "answer")
        if not (error and not word(was, "error")) and not (answer and before and answer != before):
            continue
        yield hypothesis(
            one, "dns-change", CauseClass.NETWORK,
            f"{one.name} {'cannot be resolved' if error else 'leads elsewhere than before'} at {one.where}.",
            says=f"{error or answer}; {before or 'unknown'} before.", since=look.first(one, *(("error", error) if error else ("answer", answer))),
            confirm=f"dig {one.name} at {one.where} and elsewhere; who changed the zone?",
        )  # fmt: skip


def ill_vendors(look: Look) -> Iterator[Hypothesis]:
    """A third party says that it is not well, or at work."""
    for one, was in look.pairs(FactKind.VENDOR):
        state, before = word(one, "state"), word(was, "state")
        if state not in ILL:
            continue
        new = state != before
        shut = [seen(f, f"{f.where} → {f.name}: {word(f, 'outcome')}.") for f, _ in look.pairs(FactKind.CONNECTION)
                if short(f.name) == one.where and word(f, "outcome") in SHUT]  # fmt: skip
        yield hypothesis(
            one, "vendor-down", CauseClass.THIRD_PARTY,
            f"{one.name} ({one.where}) says that it is {'under maintenance' if state == 'maintenance' else state}.",
            says=f"“{word(one, 'message')[:120]}”; {before or 'unknown'} before.", more=shut, detail=one.where,
            score=OBSERVED if new or shut else USUAL, since=look.first(one, "state", state),
            confirm=f"Call {one.name}; degrade or queue what needs it until then.",
        )  # fmt: skip


def _ill(look: Look) -> frozenset[str]:
    return frozenset(f.where for f, _ in look.pairs(FactKind.VENDOR) if word(f, "state") in ILL)
