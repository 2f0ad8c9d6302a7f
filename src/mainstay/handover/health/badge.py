"""A badge: a small SVG for a wiki or a README that says how a service stands."""

from __future__ import annotations

from html import escape

from mainstay.handover.health.standing import Health

_COLOURS = {
    "healthy": "#1d6a5c", "at risk": "#875000", "failing": "#ad2412", "muted": "#5f5690",
    "not seen": "#57534a",
}  # fmt: skip
"""Each at least 5:1 against the white of the words."""
_LETTER, _PAD, _HEIGHT = 6.6, 8, 20


def badge(health: Health, called: str) -> str:
    """The name at the left, the state at the right; the sentence as its title."""
    called = called[:60]
    left = round(len(called) * _LETTER + 2 * _PAD)
    right = round(len(health.state) * _LETTER + 2 * _PAD)
    title = escape(f"{called}: {health.state}. {health.sentence}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" '
        f'role="img" aria-label="{escape(f"{called}: {health.state}")}"><title>{title}</title>'
        f'<rect width="{left}" height="{_HEIGHT}" fill="#1b1a17"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{_COLOURS[health.state]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{_PAD}" y="14">{escape(called)}</text>'
        f'<text x="{left + _PAD}" y="14">{health.state}</text></g></svg>\n'
    )
