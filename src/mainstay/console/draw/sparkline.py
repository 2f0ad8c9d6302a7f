"""How often something happened: one thin bar for each slot of time."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

STEP = 4
HEIGHT = 18


def sparkline(counts: Sequence[int], *, label: str) -> Markup:
    """Bars for `counts`, oldest first; an empty slot is a faint line, so that silence is seen."""
    top = max(counts, default=0) or 1
    bars = []
    for index, count in enumerate(counts):
        height = max(1, round(count / top * (HEIGHT - 2)))
        shade = "" if count else ' class="none"'
        bars.append(
            f'<rect x="{index * STEP}" y="{HEIGHT - 1 - height}" width="{STEP - 1}" '
            f'height="{height}"{shade}/>'
        )
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(len(counts) * STEP, HEIGHT, label, Markup("".join(bars)))
