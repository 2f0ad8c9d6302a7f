"""One shape for each state: whoever sees no colour still sees which it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from markupsafe import Markup

_RING = '<circle cx="7" cy="7" r="5.5" fill="none" stroke="currentColor" stroke-width="1.35"'
GLYPHS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "crit": (
            "Failing",
            '<path fill="currentColor" d="M4.3.6h5.4l3.7 3.7v5.4l-3.7 3.7H4.3L.6 9.7V4.3z"/>'
            '<path class="cut" d="M7 3.4v4.2M7 9.5v1.3" stroke-width="1.7"/>',
        ),
        "warn": (
            "At risk",
            '<path fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" '
            'd="M7 1.4 13 12.3H1z"/>'
            '<path d="M7 5.2v3.4M7 9.7v1.3" stroke="currentColor" stroke-width="1.4"/>',
        ),
        "run": ("Running", _RING + '/><path fill="currentColor" d="M7 3.2a3.8 3.8 0 0 1 0 7.6z"/>'),
        "wait": ("Waiting", _RING + "/>"),
        "ok": (
            "Healthy",
            '<path fill="none" stroke="currentColor" stroke-width="1.6" d="m2.6 7.4 2.9 3 5.9-6.6"/>',
        ),
        "mute": (
            "Silenced",
            '<rect x="1.4" y="1.4" width="11.2" height="11.2" rx="1.6" fill="none" '
            'stroke="currentColor" stroke-width="1.3"/>'
            '<path d="M5.2 4.4v5.2M8.8 4.4v5.2" stroke="currentColor" stroke-width="1.5"/>',
        ),
        "unknown": (
            "No data",
            _RING + ' stroke-dasharray="2.2 1.8"/><path d="M5.4 5.6C5.6 4 8.5 4.1 8.5 5.8 8.5 7 7 '
            '7 7 8.3M7 9.6v1.2" fill="none" stroke="currentColor" stroke-width="1.2"/>',
        ),
        "person": (
            "Person",
            '<circle cx="7" cy="4.2" r="2.7" fill="currentColor"/>'
            '<path d="M1.8 13c.3-6 10.1-6 10.4 0z" fill="currentColor"/>',
        ),
        "page": (
            "Page",
            '<path fill="none" stroke="currentColor" stroke-width="1.4" '
            'd="M2.4 10.4h9.2L10.2 8V5.6a3.2 3.2 0 0 0-6.4 0V8zM5.6 12.4h2.8"/>',
        ),
        "find": (
            "Finding",
            '<circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" stroke-width="1.4"/>'
            '<path d="m9.2 9.2 3.6 3.6" stroke="currentColor" stroke-width="1.6"/>',
        ),
        "note": (
            "Note",
            '<path fill="none" stroke="currentColor" stroke-width="1.3" '
            'd="M2.5 1.6h9v10.8h-9zM4.8 4.6h4.4M4.8 7h4.4M4.8 9.4h2.6"/>',
        ),
    }
)
"""Name → (word, shape in a box of 14 × 14)."""


@lru_cache(maxsize=256)
def glyph(name: str, *, label: str | None = "", size: str = "") -> Markup:
    """The shape; `label` "" says the state's own word, None hides it (a word stands beside it)."""
    word = GLYPHS[name][0] if label == "" else label
    said = Markup('role="img" aria-label="{}"').format(word) if word else 'aria-hidden="true"'
    return Markup('<svg class="g {} {}" {}><use href="#g-{}"/></svg>').format(
        name, size, Markup(said), name
    )


def sheet() -> Markup:
    """Every shape once, for the top of a screen; `glyph` refers to it."""
    shapes = "".join(
        f'<symbol id="g-{name}" viewBox="0 0 14 14">{shape}</symbol>'
        for name, (_, shape) in GLYPHS.items()
    )
    return Markup(f'<svg width="0" height="0" class="sheet" aria-hidden="true">{shapes}</svg>')
