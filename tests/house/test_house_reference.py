"""Does docs/reference/ say what the code does?"""

from __future__ import annotations

import importlib
import re
import sys
from typing import get_args, get_type_hints

import pytest
from house_tree import ROOT, files

from mainstay.alerts.alert import Change
from mainstay.checks.heartbeats import Synced
from mainstay.incidents.attach import Attached

sys.path.append(str(ROOT / "scripts"))
reference = importlib.import_module("reference")
written, record = reference.written, reference.record
WRITER = "class Act:\n    def fact(self, kind, subject, because):\n        return Fact(kind, subject, because)\n"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The pages as the code makes them now."""
    made: dict[str, str] = reference.pages()
    return made


@pytest.mark.parametrize("name", reference.NAMES)
def test_a_page_of_the_reference_is_what_the_code_makes(name: str, pages: dict[str, str]) -> None:
    file = reference.FOLDER / name
    kept = file.read_text(encoding="utf-8") if file.is_file() else ""
    assert kept == pages[name], f"docs/reference/{name} is out of date: run `{reference.REMAKE}`"


def test_the_folder_holds_nothing_that_the_code_does_not_make() -> None:
    assert {file.name for file in reference.FOLDER.iterdir()} == set(reference.NAMES)


def test_the_same_code_makes_the_same_pages(pages: dict[str, str]) -> None:
    assert reference.pages() == pages


def test_every_link_of_the_reference_leads_somewhere(pages: dict[str, str]) -> None:
    lost = []
    for name, text in pages.items():
        for target in re.findall(r"\]\(([^)]*)\)", text):
            page, _, place = target.partition("#")
            path = (reference.FOLDER / page).resolve() if page else reference.FOLDER / name
            known = str(path.relative_to(ROOT)) in files() or path.name in pages
            if not known or (place and place not in anchors(pages.get(path.name, ""))):
                lost.append(f"{name}: {target}")
    assert not lost, lost


def test_every_kind_that_the_code_writes_has_a_line_and_no_other() -> None:
    assert record.drifted(written.of_source(ROOT)) == []


def test_a_kind_that_is_put_together_ends_in_a_word_that_the_code_knows() -> None:
    known = {
        "alert.": get_type_hints(Change)["what"],
        "incident.": get_type_hints(Attached)["what"],
        "heartbeat.": get_type_hints(Synced)["verb"],
    }
    for begin, ends in record.OPEN_ENDED.items():
        assert set(ends) <= set(get_args(known[begin]))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Fact('page.sent', id, because)", {"page.sent"}),
        ("record.Fact('page.sent', id, because)", {"page.sent"}),
        (WRITER + "act.fact('page.sent', id, because)", {"page.sent"}),
        (
            "def _done(act, kind):\n    act.fact(kind, 1, 2)\n_done(act, 'rule.added')",
            {"rule.added"},
        ),
        ("def _done(incident, words):\n    pass\n_done(incident, 'rule.added')", set()),
    ],
)
def test_a_kind_is_found_wherever_a_fact_is_made(text: str, kinds: set[str]) -> None:
    found = written.find({"a.py": text})
    assert found.kinds == kinds
    assert found.unread == ()


def test_a_fact_whose_kind_cannot_be_told_is_found() -> None:
    assert written.find({"a.py": "\nFact(KINDS[n], id, because)"}).unread == ("a.py:2",)
    assert written.find({"a.py": "Fact(f'page.{n}', id, because)"}).open_ended == {"page."}


@pytest.mark.parametrize(
    "found",
    [
        written.Found(frozenset({*record.KINDS, "page.lost"}), frozenset(record.OPEN_ENDED), ()),
        written.Found(frozenset(), frozenset(record.OPEN_ENDED), ()),
        written.Found(frozenset(record.KINDS), frozenset({"page."}), ()),
        written.Found(frozenset(record.KINDS), frozenset(record.OPEN_ENDED), ("a.py:2",)),
    ],
)
def test_a_table_that_has_drifted_is_found(found: object) -> None:
    assert record.drifted(found)


def anchors(text: str) -> set[str]:
    """Every place in a page that a link can name."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {reference.markdown.anchor(one)[1:] for one in headings} | set(
        re.findall(r'<a id="([^"]+)">', text)
    )
