"""How something stood on each day: one bar a day, as tall as the share in which it did not hold."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

STEP, HEIGHT, LEAST = 9, 24, 3


def days(shares: Sequence[tuple[str, float | None]], *, label: str) -> Markup:
    """Bars for (day, share of the time in which it held), oldest first; None: nothing was seen."""
    bars = Markup("").join(_bar(number, *one) for number, one in enumerate(shares))
    return Markup(
        '<svg class="mornings" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" '
        'aria-label="{2}">{3}</svg>'
    ).format(max(STEP, len(shares) * STEP), HEIGHT, label, bars)


def _bar(number: int, day: str, share: float | None) -> Markup:
    if share is None:
        look, height, said = "none", LEAST, "not seen"
    else:
        look = "ok" if share == 1 else "warn" if share >= 0.99 else "crit"
        # A minute of a day can be seen: 100 % is short, and the rest grows fast.
        height = LEAST + round((HEIGHT - LEAST) * min(1.0, ((1 - share) * 4) ** 0.5))
        said = f"{100 * share:.3f}".rstrip("0").rstrip(".") + " %"
    return Markup(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>'
    ).format(look, number * STEP, HEIGHT - height, STEP - 2, height, day, said)
