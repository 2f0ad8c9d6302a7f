"""From what a probe measured to a verdict and a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from mainstay.checks.result import (
    EVIDENCE_BYTES_MAX,
    SENTENCE_CHARS_MAX,
    Measured,
    Result,
    Value,
    Verdict,
)
from mainstay.checks.sheet import Sheet, Watched
from mainstay.estate import Expectation, Past, Period, judge

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
NOT_KEPT = frozenset({"body", "headers", "output"})
"""What may hold tokens and people: conditions ask of it, no row keeps it; a failure's evidence may."""
TOLD_MAX = 3
"""Conditions that do not hold, told in one sentence."""


def result_of(
    one: Watched, sheet: Sheet, measured: Measured, *, past: Past, at: datetime, duration_us: int
) -> Result:
    """The judged look. Only conditions whose period it is count."""
    values = {"reached": measured.trouble is None, **measured.values}
    verdict, sentence = _judged(one, sheet, measured, values=values, past=past, at=at)
    kept = {name: value for name, value in values.items() if name not in NOT_KEPT}
    return Result(
        one.name, at, duration_us, verdict, one_line(sentence), kept,
        measured.evidence[:EVIDENCE_BYTES_MAX],
    )  # fmt: skip


def _judged(
    one: Watched, sheet: Sheet, measured: Measured, *, values: Mapping[str, Value], past: Past,
    at: datetime,
) -> tuple[Verdict, str]:  # fmt: skip
    asks_reached = any("reached" in expectation.text for expectation in one.expect)
    if measured.trouble is not None and not asks_reached:
        return "fail", measured.trouble
    failing = _unheld(one.expect, one, sheet, values=values, past=past, at=at)
    if failing:
        return "fail", "; ".join(failing)
    if measured.says in ("fail", "warn"):
        return measured.says, measured.words or f"it says {measured.says}"
    warning = _unheld(one.warn, one, sheet, values=values, past=past, at=at)
    if warning:
        return "warn", "; ".join(warning)
    return "ok", measured.words or _well(values)


def _unheld(
    expectations: tuple[Expectation, ...], one: Watched, sheet: Sheet, *,
    values: Mapping[str, Value], past: Past, at: datetime,
) -> list[str]:  # fmt: skip
    """In words, the first few that do not hold."""
    found = []
    for expectation in expectations:
        if expectation.period is not None and not counts(expectation.period, one, sheet, at=at):
            continue
        held = judge(expectation, values, past)
        if not held.holds:
            found.append(held.words)
        if len(found) == TOLD_MAX:
            break
    return found


def counts(period: Period, one: Watched, sheet: Sheet, *, at: datetime) -> bool:
    """Whether a condition with this period counts at `at`, by the business date there."""
    local = at.astimezone(one.zone)
    if period.calendar is not None:
        day = sheet.days.business_date(
            local, starts=sheet.estate.org.business_day_starts, calendar=None
        )
        if sheet.days.is_business_day(period.calendar, day) is period.is_unless:
            return False
    return period.span is None or period.span.holds(local.time())


def _well(values: Mapping[str, Value]) -> str:
    """What was found, in a few words."""
    told = []
    for name in ("status", "value", "exit", "count", "size", "age", "cert_days", "latency"):
        value = values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if name in ("latency", "age") and value < 1:
            told.append(f"{name} {value * 1000:.0f} ms")
        else:
            told.append(f"{name} {value:.6g}" + (" s" if name in ("latency", "age") else ""))
    return ", ".join(told[:4]) or "it is well"


def one_line(text: str) -> str:
    """A sentence that cannot break a line, cut to what is kept."""
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= SENTENCE_CHARS_MAX else text[: SENTENCE_CHARS_MAX - 1] + "…"
