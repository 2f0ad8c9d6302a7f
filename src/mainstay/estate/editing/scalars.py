"""Values as they are written into a YAML file: bare where nobody can misread them, else in quotes."""

from __future__ import annotations

import json
import re
from typing import Any

from mainstay.estate.reading.yaml_text import scalar

_BARE = re.compile(r"[A-Za-z][\w.@+/-]*(:[\w.@+/-]+)*|\d+[a-z]+(\d+[a-z]+)*", re.ASCII)
"""`payops`, `schedule:payops-oncall`, `10m`, `1h30m`."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_READ_OTHERWISE = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What other readers of YAML take for something else than text."""


def flow(value: Any, *, quoted: bool = False) -> str:
    """The value in one line. `quoted`: a text stands in quotes though it need not."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list():
            return f"[{', '.join(flow(one) for one in value)}]"
        case dict():
            return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    text = str(value)
    return text if not quoted and _is_bare(text) else json.dumps(text, ensure_ascii=False)


def _is_bare(text: str) -> bool:
    if text.lower() in _READ_OTHERWISE or scalar(text) != text:
        return False
    return bool(_BARE.fullmatch(text) or _DAY.fullmatch(text))
