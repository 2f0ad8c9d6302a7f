"""The layout of a must-gather: `namespaces/shop/pods/POD/CONTAINER/CONTAINER/logs/current.log`."""

from __future__ import annotations

from pathlib import Path

LOGS = {"current.log", "previous.log", "previous.insecure.log", "current.insecure.log"}


def pod_of(file: Path) -> str:
    """The pod whose log this is, "" when it lies elsewhere."""
    parts = file.parts
    if file.name not in LOGS or "pods" not in parts[:-2]:
        return ""
    place = len(parts) - 1 - parts[::-1].index("pods")
    return parts[place + 1] if "logs" in parts[place + 2 :] else ""
