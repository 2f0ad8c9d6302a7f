"""Does the README, with the other texts for people, show what is there?"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest

from mainstay.cli import program

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_command_of_the_readme_is_one_of_make() -> None:
    commands = re.findall(r"^\$ (.+)$", README, re.MULTILINE)
    assert commands == ["make run", "make test"]
    for command in commands:
        tried = subprocess.run(
            [*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert tried.returncode == 0, tried.stderr


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(text: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)\)", text.read_text(encoding="utf-8"))
    assert [link for link in links if not (text.parent / link).exists()] == []


def test_every_page_of_the_guide_is_in_the_readme() -> None:
    pages = [f"docs/guide/{page.name}" for page in (ROOT / "docs/guide").glob("*.md")]
    assert pages
    assert [page for page in pages if f"({page})" not in README] == []


def test_every_place_that_the_readme_names_is_there() -> None:
    table = README.partition("## Where things are")[2]
    places = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(places) >= 4
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_what_production_says_in_the_readme_is_what_the_demo_says() -> None:
    faults = (ROOT / "src/mainstay/demo/faults.py").read_text(encoding="utf-8")
    said = re.findall(r"production +(.+?) \((?:[\w-]+, \w+|a change)", README)
    assert len(said) >= 3
    assert [words for words in said if f'"{words}"' not in faults] == []


def test_every_command_that_a_text_names_exists() -> None:
    known = {*program().list_commands(click.Context(program())), "serve", "demo"}
    named = {
        (text.name, verb)
        for text in TEXTS
        for verb in re.findall(
            r"(?:`|\$ |run/)mainstay ([a-z][a-z-]*)", text.read_text(encoding="utf-8")
        )
    }
    assert len(named) > 20
    assert {(where, verb) for where, verb in named if verb not in known} == set()
