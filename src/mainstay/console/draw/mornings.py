"""How something stood on each of the last mornings: one bar a day, tall where it was not well."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

STEP, HEIGHT = 7, 18
_TALL = {"ok": 5, "signed": 5, "ready": 5, "waived": 11, "at risk": 11}
_LOOK = {
    "ok": "ok", "signed": "ok", "ready": "ok", "waived": "mute", "at risk": "warn",
    "failing": "crit", "not ready": "crit", "missed": "crit", "open": "warn", "waiting": "warn",
    "not seen": "unknown",
}  # fmt: skip


def mornings(states: Sequence[tuple[str, str | None]], *, label: str) -> Markup:
    """Bars for (day, state), oldest first; None: nothing is known of that day."""
    bars = Markup("").join(_bar(number, *one) for number, one in enumerate(states))
    return Markup(
        '<svg class="mornings" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" '
        'aria-label="{2}">{3}</svg>'
    ).format(max(STEP, len(states) * STEP), HEIGHT, label, bars)


def _bar(number: int, day: str, state: str | None) -> Markup:
    height = 2 if state is None else _TALL.get(state, 17)
    return Markup(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>'
    ).format(
        _LOOK.get(state or "", "none"), number * STEP, HEIGHT - height, STEP - 2, height, day,
        state or "nothing is known",
    )  # fmt: skip
