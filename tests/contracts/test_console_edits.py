"""Is the estate changed from the console as from its files: shown first, checked, whole or not at all?"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from browsing import Visitor
from live import ESTATE, Live, Reply, live
from mainstay import estate
from mainstay.foundation import record

EDIT = "/estate/edit/services/pay-api"
TYPED = {"name": "", "tier": "1", "owner": "payops", "depends": "pay-db", "escalation": "fallback"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "estate"
    made.mkdir()
    (made / "all.yaml").write_text("# what we support\n" + ESTATE.lstrip())
    return made


@pytest.fixture
def mainstay(tmp_path: Path, folder: Path) -> Iterator[Live]:
    with live(tmp_path / "run", run_loops=False, estate=folder) as running:
        yield running


def joined(mainstay: Live, person: str, role: str, team: str | None = None) -> Visitor:
    visitor = Visitor(mainstay)
    assert visitor.join(person, role, team).status == 303
    return visitor


def said(reply: Reply) -> str:
    """The screen as text."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", reply.body.decode())).split())


def carried(reply: Reply) -> dict[str, str]:
    """What the forms below a proposal carry on."""
    page = reply.body.decode()
    text = re.search(r'<textarea name="text" hidden[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    base = re.search(r'name="base" value="(\w+)"', page)
    assert text is not None
    assert base is not None
    return {"file": "all.yaml", "base": base[1], "text": html.unescape(text[1])}


def rows(mainstay: Live, kind: str) -> list[str]:
    found = mainstay.runtime.db.read(lambda tx: record.newest(tx, (kind,), limit=50))
    return [str(one["because"]) for one in found]


def test_an_edit_is_shown_checked_and_planned_and_nothing_is_written(
    mainstay: Live, folder: Path
) -> None:
    before = (folder / "all.yaml").read_text()
    mara = joined(mainstay, "mara", "lead")
    reply = mara.post(EDIT, TYPED)
    assert "+ pay-api: {tier: 1, owner: payops, depends: [pay-db], escalation: fallback}" in said(
        reply
    )
    assert "services pay-api escalation none → fallback" in said(reply)
    assert b"/estate/write" not in reply.body
    patch = mara.post("/estate/patch", carried(reply))
    assert patch.headers["content-disposition"] == 'attachment; filename="estate.patch"'
    assert patch.body.startswith(b"--- a/all.yaml\n+++ b/all.yaml\n@@")
    assert mara.post("/estate/write", carried(reply)).status == 403
    assert (folder / "all.yaml").read_text() == before
    assert rows(mainstay, "estate.edited") == []


def test_a_schedule_s_plan_says_who_is_on_call_instead_of_whom(mainstay: Live) -> None:
    mara = joined(mainstay, "mara", "author")
    fields = {"rotate-0": "weekly", "every-0": "", "handover-0": "mon 09:00", "order-0": "ben"}
    reply = mara.post("/estate/edit/schedules/payops-oncall", fields)
    assert "Ben Okafor is on call for payops-oncall" in said(reply)
    assert "instead of Mara Keller" in said(reply)


def test_what_is_written_is_in_force_and_its_row_names_the_file(
    mainstay: Live, folder: Path
) -> None:
    mara = joined(mainstay, "mara", "author")
    reply = mara.post("/estate/write", carried(mara.post(EDIT, TYPED)))
    assert (reply.status, reply.headers["location"]) == (303, "/estate")
    text = (folder / "all.yaml").read_text()
    assert text.startswith("# what we support\n")
    assert "escalation: fallback}" in text
    in_force = mainstay.runtime.db.read(estate.current)
    assert in_force is not None
    assert in_force.estate.services["pay-api"].escalation == "fallback"
    assert rows(mainstay, "estate.edited") == ["mara changed all.yaml of the estate folder"]
    assert "mara put version 2 in force: 1 changes" in rows(mainstay, "estate.applied")[0]


def test_a_comment_alone_is_written_too_and_has_its_row(mainstay: Live, folder: Path) -> None:
    mara = joined(mainstay, "mara", "author")
    text = (folder / "all.yaml").read_text() + "# the end\n"
    reply = mara.post("/estate/files/all.yaml", {"text": text})
    assert "Nothing of what is in force" in said(reply)
    assert mara.post("/estate/write", carried(reply)).status == 303
    assert (folder / "all.yaml").read_text() == text
    assert len(rows(mainstay, "estate.edited")) == 1
    assert mainstay.runtime.db.read(estate.current_number) == 1


def test_errors_stand_at_their_line_and_column_and_are_never_written(
    mainstay: Live, folder: Path
) -> None:
    mara = joined(mainstay, "mara", "author")
    before = (folder / "all.yaml").read_text()
    bad = before.replace("owner: payops, type", "owner: nobody, type")
    line = 1 + next(n for n, one in enumerate(bad.split("\n")) if "nobody" in one)
    reply = mara.post("/estate/files/all.yaml", {"text": bad})
    assert re.search(rf"all\.yaml:{line}:\d+ E202 service 'pay-db' is owned by", said(reply))
    assert b"/estate/write" not in reply.body
    assert mara.post("/estate/write", carried(reply)).status == 400
    assert (folder / "all.yaml").read_text() == before


def test_a_file_that_changed_meanwhile_is_shown_again_and_not_overwritten(
    mainstay: Live, folder: Path
) -> None:
    mara = joined(mainstay, "mara", "author")
    fields = carried(mara.post(EDIT, TYPED))
    theirs = (folder / "all.yaml").read_text() + "# by somebody else\n"
    (folder / "all.yaml").write_text(theirs)
    reply = mara.post("/estate/write", fields)
    assert reply.status == 409
    assert "was changed meanwhile" in said(reply)
    assert "-# by somebody else" in said(reply)
    assert (folder / "all.yaml").read_text() == theirs


def test_a_database_that_refuses_leaves_the_file_as_it_was(
    mainstay: Live, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mara = joined(mainstay, "mara", "author")
    fields = carried(mara.post(EDIT, TYPED))
    before = (folder / "all.yaml").read_text()

    def refuses(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("mainstay.estate.save", refuses)
    assert mara.post("/estate/write", fields).status == 500
    assert (folder / "all.yaml").read_text() == before


def test_a_name_never_becomes_a_path(mainstay: Live) -> None:
    mara = joined(mainstay, "mara", "author")
    (Path(str(mainstay.runtime.settings.estate)).parent / "other.yaml").write_text("x: secret\n")
    for name in ("../other.yaml", "..%2Fother.yaml", "/etc/passwd", "%2e%2e/other.yaml", "nothing"):
        reply = mara.get(f"/estate/files/{name}")
        assert (reply.status, b"secret" in reply.body) == (404, False), name
    assert (
        mara.post("/estate/write", {"file": "../other.yaml", "base": "", "text": ""}).status == 404
    )


def test_a_server_that_knows_no_folder_says_how_to_name_it(tmp_path: Path) -> None:
    with live(tmp_path, run_loops=False) as mainstay:
        mara = joined(mainstay, "mara", "author")
        assert "does not know the estate's folder" in said(mara.get("/estate/edit"))
        reply = mara.get(EDIT)
        assert reply.status == 404
        assert "--estate FOLDER" in said(reply)
