"""How a checklist stands as a whole, in one sentence: ready, at risk, not ready, or still open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mainstay.estate import View
from mainstay.handover.checklists.lines import Line

NAMED_MAX = 3
"""Items or services named in the sentence; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`risk`: the services that what fails, or is waived, puts at risk."""

    state: Literal["ready", "at risk", "not ready", "open"]
    sentence: str
    risk: tuple[str, ...] = ()


def verdict(view: View, lines: Sequence[Line]) -> Verdict:
    """The worst first: what fails, what nobody has seen, what is to do, what is waived."""
    failing = [one for one in lines if one.state in ("failing", "not seen")]
    waiting = [one for one in lines if one.state == "waiting"]
    shaky = [one for one in lines if one.state in ("waived", "at risk")]
    risk = _risk(failing + shaky)
    if failing:
        words = f"Not ready: {_named(failing)}"
        more = f" {_count(len(waiting), 'item')} to do besides." if waiting else ""
        return Verdict("not ready", f"{words}.{_at_risk(view, risk)}{more}", risk)
    if waiting:
        titles = _listed([one.title for one in waiting])
        return Verdict(
            "open", f"{len(waiting)} of {_count(len(lines), 'item')} to do: {titles}.", risk
        )
    if shaky:
        return Verdict("at risk", f"At risk: {_named(shaky)}.{_at_risk(view, risk)}", risk)
    if len(lines) == 1:
        return Verdict("ready", "Ready: the one item is as it should be.")
    return Verdict("ready", f"Ready: all {len(lines)} items are as they should be.")


def _risk(lines: Sequence[Line]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(service for one in lines for service in one.services))


def _named(lines: Sequence[Line]) -> str:
    said = [f"{one.title} ({one.because})" if one.because else one.title for one in lines]
    return "; ".join(said[:NAMED_MAX]) + _rest(len(said))


def _at_risk(view: View, risk: Sequence[str]) -> str:
    """` At risk: checkout (Card checkout for 2 400 merchants), ledger.`"""
    if not risk:
        return ""
    said = []
    for name in risk:
        found = view.estate.services.get(name)
        called = (found.name if found else None) or name
        said.append(f"{called} ({found.business})" if found and found.business else called)
    return f" What needs it: {', '.join(said[:NAMED_MAX])}{_rest(len(said))}."


def _listed(words: Sequence[str]) -> str:
    return "; ".join(words[:NAMED_MAX]) + _rest(len(words))


def _rest(n: int) -> str:
    return f" and {n - NAMED_MAX} more" if n > NAMED_MAX else ""


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
