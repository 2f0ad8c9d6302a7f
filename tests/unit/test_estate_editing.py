"""Is a file changed as a person would change it: the one thing, and nothing beside it?"""

from __future__ import annotations

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from mainstay.estate import editing
from mainstay.estate.editing import patch, rewritten
from mainstay.foundation.errors import Conflict, Forbidden, Invalid, NotFound

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "alpenpay"
TEXT = """\
# The services.
services:
  shop:                      # what customers see
    tier: 1
    owner: web   # since May
    depends:
      # the ledger first
      - ledger   # money
      - cards    # theirs

      - bus
  ledger: {tier: 1, owner: "core", depends: [bus, db]}   # old
  bus: {}
  db:
escalations:
  web:
    - {after: 0m, notify: [schedule:web]}   # first
    - after: 10m
      notify: [team:web]   # all of them
"""


def changed(way: str, wanted: object) -> list[str]:
    """The lines that go and come."""
    after = rewritten(TEXT, way.split("."), wanted)
    return [one for one in patch("x", TEXT, after).split("\n")[2:] if one[:1] in ("+", "-")]


def test_a_value_is_changed_in_its_place_and_its_comment_stays() -> None:
    shop = {"tier": 2, "owner": "web", "depends": ["ledger", "cards", "bus"]}
    assert changed("services.shop", shop) == ["-    tier: 1", "+    tier: 2"]
    assert changed("services.shop.owner", "core") == [
        "-    owner: web   # since May", "+    owner: core   # since May",
    ]  # fmt: skip
    assert changed("services.ledger.owner", "web") == [
        '-  ledger: {tier: 1, owner: "core", depends: [bus, db]}   # old',
        '+  ledger: {tier: 1, owner: "web", depends: [bus, db]}   # old',
    ]


def test_entries_take_their_comments_with_them() -> None:
    after = rewritten(TEXT, ("services", "shop", "depends"), ["bus", "ledger"])
    head = "depends:\n      # the ledger first\n"  # above the first one it may be about the list
    assert head + "      - bus\n      - ledger   # money\n  ledger:" in after
    turned = rewritten(TEXT, ("services", "shop", "depends"), ["cards", "bus", "ledger"])
    assert head + "      - cards    # theirs\n\n      - bus\n      - ledger   # money\n" in turned
    more = rewritten(TEXT, ("services", "shop", "depends"), ["ledger", "cards", "bus", "mail"])
    assert "      - bus\n      - mail\n  ledger:" in more
    assert "# the ledger first" in more


def test_keys_come_and_go_where_they_belong() -> None:
    shop = {"tier": 1, "depends": ["ledger", "cards", "bus"], "escalation": "web"}
    assert changed("services.shop", shop) == [
        "-    owner: web   # since May", "+    escalation: web",
    ]  # fmt: skip
    assert changed("services.ledger", {"tier": 1, "depends": ["bus", "db"]})[1] == (
        "+  ledger: {tier: 1, depends: [bus, db]}   # old"
    )
    assert changed("services.bus", {"owner": "web"}) == ["-  bus: {}", "+  bus: {owner: web}"]
    assert changed("services.db", {"owner": "web"}) == ["-  db:", "+  db: {owner: web}"]


def test_steps_of_a_policy_are_changed_each_in_its_own_layout() -> None:
    steps = [
        {"after": "0m", "notify": ["schedule:web"]},
        {"after": "15m", "notify": ["team:web", "person:ana"]},
        {"after": "30m", "notify": ["person:head"]},
    ]
    assert changed("escalations.web", steps) == [
        "-    - after: 10m",
        "-      notify: [team:web]   # all of them",
        "+    - after: 15m",
        "+      notify: [team:web, person:ana]   # all of them",
        "+    - {after: 30m, notify: [person:head]}",
    ]
    assert (
        changed("escalations.web", steps[1:2])[0]
        == "-    - {after: 0m, notify: [schedule:web]}   # first"
    )


def test_nothing_wanted_is_nothing_changed() -> None:
    assert rewritten(TEXT, ("services", "ledger", "owner"), "core") == TEXT


def test_what_another_reader_would_take_for_a_number_or_a_flag_stands_in_quotes() -> None:
    for word in (
        "22:30",
        "off",
        "no",
        "1e3",
        "yes",
        "mon 09:00",
        "a: b",
        "- x",
        "#x",
        "{x}",
        "ü'\"",
    ):
        after = rewritten(TEXT, ("services", "shop", "owner"), word)
        assert f"owner: {word}\n" not in after.replace("   # since May", "")


def test_a_layout_that_would_lose_a_comment_is_refused() -> None:
    text = "services:\n  shop:\n    depends: [\n      a, # the first\n      b\n    ]\n"
    with pytest.raises(Invalid, match="Line 3"):
        rewritten(text, ("services", "shop", "depends"), ["b"])
    with pytest.raises(Invalid, match="line 2"):
        rewritten("a: [\n", ("a",), ["b"])
    with pytest.raises(Invalid, match="not declared"):
        rewritten(TEXT, ("services", "gone"), {})


@pytest.mark.parametrize("inside", [True, False], ids=["in a repository", "of its own"])
def test_git_takes_the_patch(tmp_path: Path, inside: bool) -> None:
    root = tmp_path / "ops" / "estate" if inside else tmp_path / "estate"
    shutil.copytree(EXAMPLE, root)
    if inside:
        subprocess.run(["git", "init", "-q", str(tmp_path / "ops")], check=True)
    folder = editing.open_folder(root)
    thing = folder.declared("services", "fraud")
    text = rewritten(thing.file.text, ("services", "fraud"), {**thing.values, "owner": "data"})
    (tmp_path / "x.patch").write_text(folder.patch(thing.file, text))
    where = tmp_path / "ops" if inside else root
    subprocess.run(["git", "apply", str(tmp_path / "x.patch")], check=True, cwd=where)
    assert (root / "services.yaml").read_text() == text


def test_a_file_is_written_whole_with_its_mode_and_only_if_nobody_else_did(tmp_path: Path) -> None:
    root = tmp_path / "estate"
    shutil.copytree(EXAMPLE, root)
    (root / "org.yaml").chmod(0o640)
    folder = editing.open_folder(root)
    file = folder.file("org.yaml")
    with folder.written(file, file.text + "# more\n"):
        pass
    assert (root / "org.yaml").read_text().endswith("# more\n")
    assert (root / "org.yaml").stat().st_mode & 0o777 == 0o640
    assert [one.name for one in root.iterdir() if one.name.startswith(".")] == []
    with pytest.raises(Conflict), folder.written(file, file.text):
        raise AssertionError("never reached")
    fresh = editing.open_folder(root)
    with pytest.raises(RuntimeError), fresh.written(fresh.file("org.yaml"), "mainstay: 1\n"):
        raise RuntimeError("the database refused")
    assert (root / "org.yaml").read_text().endswith("# more\n")


def test_what_lies_behind_a_link_is_not_written(tmp_path: Path) -> None:
    root = tmp_path / "estate"
    shutil.copytree(EXAMPLE, root)
    (root / "org.yaml").rename(tmp_path / "elsewhere.yaml")
    (root / "org.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    folder = editing.open_folder(root)
    file = folder.file("org.yaml")
    assert not folder.may_write(file)
    with pytest.raises(Forbidden, match="take the patch"), folder.written(file, "x"):
        raise AssertionError("never reached")
    with pytest.raises(NotFound):
        folder.file("../elsewhere.yaml")


def test_lines_that_end_as_on_windows_stay_so(tmp_path: Path) -> None:
    (tmp_path / "org.yaml").write_bytes(b"mainstay: 1\r\norg: {name: X}\r\n")
    folder = editing.open_folder(tmp_path)
    file = folder.file("org.yaml")
    text = rewritten(file.text, ("org", "name"), "Z")
    assert "\r\n" in folder.patch(file, text)
    with folder.written(file, text):
        assert file.path.read_bytes() == b"mainstay: 1\r\norg: {name: Z}\r\n"


def test_a_check_of_what_would_be_names_line_and_column() -> None:
    folder = editing.open_folder(EXAMPLE)
    file = folder.file("services.yaml")
    text = file.text.replace("owner: payops", "owner: payopz", 1)
    found = folder.checked(file, text, today=date(2026, 11, 24))
    assert found.estate is None
    assert [str(one) for one in found.problems if one.level == "error"] == [
        "alpenpay/services.yaml:5:12: E202 service 'checkout' is owned by 'payopz', no such team (did you mean 'payops'?)"
    ]
