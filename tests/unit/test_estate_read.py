"""Do files become the estate that people mean, and is nothing on disk able to break the reader?"""

from __future__ import annotations

import os
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from mainstay import estate
from mainstay.estate.reading.yaml_text import load, plain, scalar

BASE = """\
mainstay: 1
org: {name: Small}
people:
  ana: {name: Ana Keller}
  ben: {name: Ben Okafor}
teams:
  ops: {members: [ana, ben]}
escalations:
  fallback: [{after: 0m, notify: [team:ops]}]
services:
  shop: {tier: 1, owner: ops}
  unrouted: {tier: 3, owner: ops}
"""
ROUTES = "routes:\n  - {to: service:unrouted}\n"


def folder(tmp_path: Path, **files: str) -> Path:
    """An estate of BASE and the given files."""
    made = tmp_path / "estate"
    made.mkdir(exist_ok=True)
    files = {"base": BASE, "routes": ROUTES} | files
    for name, text in files.items():
        (made / f"{name}.yaml").write_text(text, encoding="utf-8")
    return made


def lines(where: Path, **options: date) -> list[str]:
    return [str(one) for one in estate.check(where, **options).problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:30", "22:30"),
        ("06:00", "06:00"),
        ("off", "off"),
        ("yes", "yes"),
        ("2026-12-24", "2026-12-24"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("Null", None),
        ("9" * 5000, "9" * 5000),
        ("٣", "٣"),
    ],
)
def test_a_bare_word_is_what_yaml_1_2_says(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_a_quoted_number_stays_text() -> None:
    node, problems = load(b"a: \"1\"\nb: '2'\nc: |\n  3\n", "x.yaml")
    assert node is not None
    assert plain(node) == {"a": "1", "b": "2", "c": "3\n"}
    assert problems == []


def test_every_key_and_value_knows_its_line_and_column() -> None:
    node, _ = load("ä:\n  - ö: 1\n".encode(), "x.yaml")
    assert node is not None
    inner = node.mapping["ä"].items[0]
    assert (node.keys["ä"].line, node.keys["ä"].col) == (1, 1)
    assert (inner.keys["ö"].line, inner.keys["ö"].col) == (2, 5)
    assert (inner.mapping["ö"].at.line, inner.mapping["ö"].at.col) == (2, 8)


def test_short_forms_mean_the_same_as_the_long_ones(tmp_path: Path) -> None:
    short = folder(
        tmp_path,
        more="""\
schedules:
  s:
    layers:
      - {rotate: daily, handover: "09:00", order: [ana], only: {from: "08:00", to: "18:00"}}
escalations:
  e: [{after: 1h30m, notify: [schedule:s]}]
sources:
  m: {format: json, map: {key: $.k, summary: $.s, severity: {from: $.sev, "1": critical, 2: error}}}
priorities: {tier-1: {critical: P2}}
""",
    )
    read = estate.read(short)
    (layer,) = read.schedules["s"].layers
    assert layer.order == [estate.Turn(person="ana")]
    assert layer.only == [estate.Only(from_=time(8), to=time(18))]
    assert read.escalations["e"].steps[0].after == timedelta(minutes=90)
    assert read.escalations["e"].steps[0].notify == [estate.Target("schedule", "s")]
    mapped = read.sources["m"].map
    assert mapped is not None
    assert mapped.severity is not None
    assert mapped.severity.from_ == "$.sev"
    assert mapped.severity.words == {"1": "critical", "2": "error"}
    assert read.priorities["tier-1"] == {
        "critical": "P2", "error": "P2", "warning": "P3", "info": "P4"
    }  # fmt: skip
    assert read.priorities["tier-3"] == estate.DEFAULT_PRIORITIES["tier-3"]


def test_any_collection_may_stand_in_any_file_of_any_folder_and_hidden_ones_are_left_out(
    tmp_path: Path,
) -> None:
    where = folder(tmp_path)
    (where / "deep" / "er").mkdir(parents=True)
    (where / "deep" / "er" / "x.yml").write_text("people: {cleo: {name: Cleo}}\n")
    (where / ".hidden.yaml").write_text("{{{")
    (where / ".git").mkdir()
    (where / ".git" / "x.yaml").write_text("{{{")
    (where / "README.md").write_text("{{{")
    assert set(estate.read(where).people) == {"ana", "ben", "cleo"}


def test_an_empty_collection_is_no_mistake(tmp_path: Path) -> None:
    assert lines(folder(tmp_path, more="calendars:\nsources:\n")) == []


def test_a_linked_folder_is_followed_and_a_circle_of_links_is_told(tmp_path: Path) -> None:
    where = folder(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.yaml").write_text("people: {cleo: {name: Cleo}}\n")
    (where / "linked").symlink_to(other)
    assert "cleo" in estate.read(where).people
    (other / "back").symlink_to(where)
    (where / "me.yaml").symlink_to(where / "me.yaml")
    (where / "gone.yaml").symlink_to(where / "nowhere.yaml")
    assert [line.split(": ", 1)[0] + " " + line.split()[1] for line in lines(where)] == [
        "estate/gone.yaml:1:1 E101",
        "estate/linked/back:1:1 E101",
        "estate/me.yaml:1:1 E101",
    ]


def test_what_is_no_plain_file_is_told_and_not_waited_for(tmp_path: Path) -> None:
    where = folder(tmp_path)
    os.mkfifo(where / "pipe.yaml")
    assert lines(where) == ["estate/pipe.yaml:1:1: E101 this is not a plain file"]


def test_a_file_beyond_one_mebibyte_is_told(tmp_path: Path) -> None:
    where = folder(tmp_path, big="#" * (1 << 20))
    assert lines(where) == []
    (where / "big.yaml").write_text("#" * ((1 << 20) + 1))
    assert lines(where) == [
        "estate/big.yaml:1:1: E102 larger than 1 MiB; split it into several files"
    ]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert lines(tmp_path / "nowhere") == [
        "nowhere:1:1: E101 cannot read this folder: no such file or directory"
    ]


def test_a_file_that_cannot_be_read_makes_no_false_alarms_about_names(tmp_path: Path) -> None:
    where = folder(
        tmp_path, base="mainstay: 1\n  oops: [\n", more="services: {a: {owner: ops, tier: 9}}"
    )
    codes = [line.split()[1] for line in lines(where)]
    assert codes == ["E104", "E302"]


def test_a_wrong_key_does_not_hide_what_else_is_wrong_with_the_same_thing(tmp_path: Path) -> None:
    where = folder(tmp_path, more="services:\n  cart: {tier: 4, owner: opps, colour: red}\n")
    assert [line.split()[1] for line in lines(where)] == ["E302", "E202", "E114"]


def test_warnings_do_not_keep_an_estate_from_being_read(tmp_path: Path) -> None:
    where = folder(
        tmp_path,
        more="""\
people:
  cleo: {name: Cleo, until: 2026-06-30}
services:
  cart: {}
schedules:
  s:
    layers:
      - {rotate: daily, handover: "09:00", order: [{person: cleo, from: 2026-07-01}, ana]}
      - {rotate: daily, handover: "09:00", order: [{person: ben, until: 2026-06-01}, cleo]}
""",
        routes="routes:\n  - {to: service:shop}\n  - {to: service:unrouted}\n",
    )
    checked = estate.check(where, today=date(2026, 7, 1))
    assert checked.estate is not None
    assert [(one.code, one.line, one.level) for one in checked.problems] == [
        ("W401", 4, "warning"),
        ("W402", 4, "warning"),
        ("W404", 8, "warning"),
        ("W405", 9, "warning"),
        ("W403", 2, "warning"),
    ]
    before = estate.check(where, today=date(2026, 6, 30))
    assert "W405" not in {one.code for one in before.problems}


def test_near_names_are_not_looked_for_without_end(tmp_path: Path) -> None:
    # Each costs time that grows with the number of names: without the limit, minutes.
    bad = "services:\n" + "".join(f"  s{n}: {{owner: ops{n}, tier: 1}}\n" for n in range(300))
    told = lines(folder(tmp_path, more=bad))
    assert len(told) == 300
    assert sum("did you mean 'ops'" in line for line in told) == 50


@pytest.mark.parametrize(
    ("rotate", "text", "expected"),
    [
        ("weekly", "mon 09:00", estate.Handover(time(9), weekday=0)),
        ("weekly", "Sun 23:59", estate.Handover(time(23, 59), weekday=6)),
        ("daily", "02:00", estate.Handover(time(2))),
        ("monthly", "15 09:00", estate.Handover(time(9), day=15)),
        ("monthly", "01 09:00", estate.Handover(time(9), day=1)),
        ("hourly", ":30", estate.Handover(time(0, 30))),
        ("hourly", "00:30", estate.Handover(time(0, 30))),
        ("hourly", "08:00", estate.Handover(time(8))),
    ],
)
def test_a_handover_is_read_as_its_rotation_needs_it(
    rotate: estate.Rotate, text: str, expected: estate.Handover
) -> None:
    assert estate.handover(rotate, text) == expected
