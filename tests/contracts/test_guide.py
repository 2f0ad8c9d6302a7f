"""Does every command of the guide work as shown, against a real server and in its order?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from guide_pages import Reader, Step, steps

from clusters import PASSWORD
from databases import server
from fakes.postoffice import PostOffice
from fakes.world import World
from peers import RunAmtool, StartPrometheus, free_port

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/guide"
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody with a fresh home; ports are free ones, and two providers stand for the real."""
    with ExitStack() as stack:
        world = stack.enter_context(World())
        post = stack.enter_context(PostOffice())
        ntfy = world.provider("ntfy")
        port, logs, syslog = free_port(), free_port(), free_port()
        settings = {
            "MAINSTAY_LISTEN": f"127.0.0.1:{port}",
            "MAINSTAY_EGRESS__ALLOW": f"127.0.0.1:{ntfy.port},127.0.0.1:{post.port}",
            "MAINSTAY_ALLOW_ROOT": "true" if os.geteuid() == 0 else "",
        }
        instead = (
            ("127.0.0.1:8460", f"127.0.0.1:{port}"),
            ("127.0.0.1:8461", f"127.0.0.1:{free_port()}"),
            ("127.0.0.1:8462", f"127.0.0.1:{free_port()}"),
            ("127.0.0.1:9090", f"127.0.0.1:{free_port()}"),
            ("127.0.0.1:4318", f"127.0.0.1:{logs}"),
            ("127.0.0.1:5514", f"127.0.0.1:{syslog}"),
            ("127.0.0.1 --port 5514", f"127.0.0.1 --port {syslog}"),
            ("https://ntfy.example.org", f"http://127.0.0.1:{ntfy.port}"),
            ("/mnt/audit", str(tmp_path)),
            ("mail.example.org", "127.0.0.1"),
            ("port = 587 ", f'security = "none"\nport = {post.port} '),
            ('user = "mainstay"\n', ""),
            ('password = "file:/etc/mainstay/smtp.password" ', ""),
        )
        found = Reader(tmp_path, settings=settings, instead=instead)
        stack.callback(found.leave)
        yield found


def test_a_first_page_is_had_as_the_guide_says(reader: Reader) -> None:
    assert reader.follow(GUIDE / "01-first-page.md") >= 6


def test_prometheus_alertmanager_and_amtool_work_as_the_guide_says(
    reader: Reader, prometheus: StartPrometheus, amtool: RunAmtool
) -> None:
    assert reader.follow(GUIDE / "02-your-prometheus.md") >= 10


@pytest.mark.parametrize(
    "page",
    [
        "03-anything-that-speaks-pagerduty.md",
        "04-a-page-on-your-phone.md",
        "05-your-estate.md",
        "06-where-did-my-alert-go.md",
        "11-people-roles-and-signing-in.md",
        "07-backups-upgrades-and-proof.md",
        "08-who-watches-mainstay.md",
        "10-the-console.md",
        "13-checks.md",
        "14-heartbeats.md",
        "15-start-of-day.md",
        "16-logs.md",
        "18-a-live-incident.md",
        "19-telemetry.md",
    ],
)
def test_every_command_of_a_page_works_as_shown(reader: Reader, page: str) -> None:
    assert reader.follow(GUIDE / page) >= 8


def test_a_folder_that_somebody_sent_is_diagnosed_as_the_guide_says(reader: Reader) -> None:
    assert reader.follow(GUIDE / "17-diagnosis.md") >= 2


def test_a_fault_is_played_and_named_as_the_guide_says(reader: Reader) -> None:
    assert reader.follow(GUIDE / "20-practise.md") >= 9


def test_a_payment_is_found_as_the_guide_says(reader: Reader) -> None:
    assert reader.follow(GUIDE / "21-find-an-item.md") >= 6


def test_two_nodes_are_one_mainstay_as_the_guide_says(reader: Reader) -> None:
    database = server().create("guide_nodes")
    reader.instead = (*reader.instead, ("postgresql://mainstay@db.example.org/mainstay", database))
    assert reader.follow(GUIDE / "12-two-nodes.md") >= 10


def test_an_install_moves_to_postgresql_as_the_guide_says(reader: Reader) -> None:
    server().create("guide")
    reader.instead = (
        *reader.instead,
        ("postgresql://mainstay@db.example.org/mainstay", server().url_by_tcp("guide")),
        ("/etc/mainstay/db.password", str(reader.work / "db.password")),
        ("the password of the role", PASSWORD),
    )
    assert reader.follow(GUIDE / "09-when-one-machine-is-not-enough.md") >= 12
    reader.leave()
    server().drop("guide")


def test_no_page_of_the_guide_is_left_out() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    pages = sorted(page.name for page in GUIDE.glob("*.md"))
    assert pages
    assert [page for page in pages if page not in tested] == []


def test_no_command_hides_in_a_fence_that_is_not_run() -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in GUIDE.glob("*.md")}
    hidden = [
        f"{page.name}: {found[0]!r}"
        for page, text in texts.items()
        for found in re.finditer(r"^```(sh|bash|shell|text|)$(?=\n[^`\n])", text, re.MULTILINE)
        if text[: found.start()].count("```") % 2 == 0
    ]
    assert hidden == []


def test_commands_and_their_words_are_read_from_a_page() -> None:
    page = "# A\n```console\n$ one\nINC-1  is open ✓\n$ two\n```\n```yaml file=a.yaml\nx: 1\n```\n"
    assert steps(page) == [
        Step(3, command="one", shown="INC-1  is open ✓\n"),
        Step(3, command="two"),
        Step(8, file="a.yaml", text="x: 1\n"),
    ]
    assert steps(page)[0].words == ["INC-1", "open", "✓"]


def test_a_command_that_fails_or_says_something_else_is_found(reader: Reader) -> None:
    for wrong in ("$ false\n", "$ echo yes\nnothing of this\n"):
        page = reader.folder / "wrong.md"
        page.write_text(f"```console\n{wrong}```\n", encoding="utf-8")
        with pytest.raises((AssertionError, pytest.fail.Exception), match=r"wrong\.md:2"):
            reader.follow(page)
