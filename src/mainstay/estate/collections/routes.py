"""Routes: which service a signal is about. First match wins; the last has no condition."""

from __future__ import annotations

from mainstay.estate.collections.text import Part


class Route(Part):
    """One rule. The first route that matches wins; the last one has no condition."""

    match: dict[str, str] = {}
    """Label, `source` or `severity` → `text`, `~regex` (RE2, the whole value), `!text`, `!~regex`.

    All of them must hold.
    """
    to: str
    """`service:ID`; `{label}` stands for a label's value. No such service: the next route."""
