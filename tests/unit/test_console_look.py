"""Can every pair of colours be read, and is what others wrote what they published? From the files."""

from __future__ import annotations

import gzip
import hashlib
import re
import tomllib
from pathlib import Path

import pytest

import mainstay.console

STATIC = Path(mainstay.console.__file__).parent / "static"
CSS = (STATIC / "console.css").read_text(encoding="utf-8")
TOKENS = dict(re.findall(r"--([\w-]+): light-dark\(([^)]*)\)", CSS))
GROUNDS = ("paper", "surface", "raised", "hover", "chosen")
STATES = ("crit", "warn", "run", "ok", "mute")
SCRIPT_MAX = 45_000
"""Bytes of all script, gzip."""


def colour(name: str, theme: int) -> tuple[float, float, float]:
    text = TOKENS[name].split(",")[theme].strip().lstrip("#")
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def luminance(rgb: tuple[float, float, float]) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: str, other: str, theme: int) -> float:
    bright, dark = sorted((luminance(colour(n, theme)) for n in (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_on_every_ground(theme: int) -> None:
    low = []
    for ground in GROUNDS:
        for ink, least in (("ink", 7.0), ("ink-2", 5.4), ("ink-3", 4.5)):
            if contrast(ink, ground, theme) < least:
                low.append((ink, ground, round(contrast(ink, ground, theme), 2)))
    assert low == []


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_a_state_can_be_read_on_its_own_ground_and_seen_as_a_line(state: str, theme: int) -> None:
    assert contrast(f"{state}-t", f"{state}-g", theme) >= 5.0
    assert contrast(f"{state}-t", "surface", theme) >= 4.5
    assert contrast(f"{state}-t", "paper", theme) >= 4.5
    assert contrast(f"{state}-l", "surface", theme) >= 3.0


def test_what_others_wrote_is_byte_for_byte_what_they_published() -> None:
    folder = STATIC / "vendor"
    declared = tomllib.loads((folder / "VENDOR.toml").read_text(encoding="utf-8"))["file"]
    for one in declared:
        content = (folder / one["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["sha256"], one["name"]
        assert one["version"]
        assert one["licence"]
        assert (folder / one["licence_file"]).is_file()
    named = {one["name"] for one in declared} | {one["licence_file"] for one in declared}
    assert {path.name for path in folder.iterdir()} == named | {"VENDOR.toml"}


def test_all_script_together_is_small() -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in STATIC.rglob("*.js")}
    assert sum(sizes.values()) <= SCRIPT_MAX, sizes


def test_nothing_of_ours_needs_what_the_policy_forbids() -> None:
    templates = (STATIC.parent / "templates").rglob("*.html")
    bad = re.compile(r'\sstyle="|<script(?! src)|\son\w+="|hx-on|"js:|javascript:|hx-vals')
    found = [path.name for path in templates if bad.search(path.read_text(encoding="utf-8"))]
    assert found == []
    assert not re.search(r"\beval\(|new Function|innerHTML", (STATIC / "console.js").read_text())
