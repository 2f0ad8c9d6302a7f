"""Routes: which service a signal is about. First match wins; the last has no condition."""

from __future__ import annotations

from mainstay.estate.collections.text import Part


class Route(Part):
    """`match`: label, `source` or `severity` → exact text, `~regex` (RE2, whole), `!text`, `!~regex`.

    `to`: `service:ID`, where `{label}` stands for the label's value.
    """

    match: dict[str, str] = {}
    to: str
