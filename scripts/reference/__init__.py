"""Makes docs/reference/ from the code alone: the same code gives the same pages, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reference import api, cli, estate, markdown, permissions, record, settings, written

__all__ = ["FOLDER", "NAMES", "REMAKE", "markdown", "pages", "record", "write", "written"]

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference"
REMAKE = "make reference"
_PAGES: dict[str, Callable[[Path], str]] = {
    "estate.md": estate.page,
    "settings.md": settings.page,
    "api.md": api.page,
    "cli.md": cli.page,
    "permissions.md": permissions.page,
    "record.md": record.page,
}
NAMES = tuple(_PAGES)
_END = f"\n---\n\nMade from the code by `{REMAKE}`; change the words there, not here.\n"


def pages() -> dict[str, str]:
    """File name → the page as the code makes it now. AssertionError when a table has drifted."""
    return {name: make(ROOT) + _END for name, make in _PAGES.items()}


def write() -> list[str]:
    """Write every page that differs; their names."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, text in pages().items():
        file = FOLDER / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed
