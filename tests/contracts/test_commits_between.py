"""Are commits read from a real repository, ranked by what fails, and nothing of it run?"""

from __future__ import annotations

import io
import json
import subprocess
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from mainstay.cli import program, run
from mainstay.diagnosis.collectors.programs import git
from mainstay.foundation.errors import Invalid

WHO = ("-c", "user.name=Mara", "-c", "user.email=mara@example.org", "-c", "commit.gpgsign=false")


def told(*words: str, at: Path) -> str:
    return subprocess.run(
        ["git", *WHO, *words], cwd=at, check=True, capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "GIT_COMMITTER_DATE": "2026-11-24T09:00:00Z",
             "GIT_AUTHOR_DATE": "2026-11-24T09:00:00Z", "HOME": str(at)},
    ).stdout.strip()  # fmt: skip


def commit(repository: Path, file: str, text: str, message: str) -> str:
    path = repository / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    told("add", "-A", at=repository)
    told("commit", "-q", "-m", message, at=repository)
    return told("rev-parse", "HEAD", at=repository)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = tmp_path / "pay"
    made.mkdir()
    told("init", "-q", "-b", "main", at=made)
    commit(made, "pay/pool.yaml", "pool:\n  max_connections: 100\n", "begin")
    told("tag", "v1.4", at=made)
    commit(made, "pay/words.py", "HELLO = 'hello'\n", "greet")
    commit(made, "pay/pool.yaml", "pool:\n  max_connections: 10\n", "save memory")
    commit(made, "docs/a.md", "more\n", "tell")
    told("tag", "v1.5", at=made)
    commit(made, "pay/late.py", "x = 1\n", "after the release")
    return made


def evidence(tmp_path: Path, bad: str) -> Path:
    for name, said in (("good", "INFO order taken"), ("bad", bad)):
        folder = tmp_path / "sent" / name
        folder.mkdir(parents=True)
        lines = [
            f"2026-11-24T10:{n:02}:00Z {said if n % 2 else 'INFO order taken'}" for n in range(40)
        ]
        (folder / "pay.log").write_text("\n".join(lines) + "\n")
    return tmp_path / "sent"


def diagnosed(*words: object) -> dict[str, Any]:
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out):
        code = run(program(), ["diagnose", *map(str, words), "--json"], errors=errors)
    assert code == 0, errors.getvalue()
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_the_commit_that_fits_what_fails_comes_first(repository: Path, tmp_path: Path) -> None:
    sent = evidence(tmp_path, "ERROR connection pool exhausted after 10 connections")
    first = diagnosed(sent, "--git", repository, "--between", "v1.4..v1.5")["hypotheses"][0]
    assert (first["kind"], first["where"], first["verdict"]) == ("commit", "pay", "likely")
    assert first["detail"] == told("rev-parse", "v1.5~1", at=repository)


def test_commits_that_do_not_fit_are_not_blamed(repository: Path, tmp_path: Path) -> None:
    sent = evidence(tmp_path, "ERROR the beneficiary's name is misspelt")
    found = diagnosed(sent, "--git", repository, "--between", "v1.4..v1.5")["hypotheses"]
    assert [one for one in found if one["kind"] == "commit" and one["verdict"] == "likely"] == []


def test_commits_are_those_between_the_releases_oldest_first(repository: Path) -> None:
    found, notes = git.commits_between(repository, "v1.4..v1.5")
    assert [one.message for one in found] == ["greet", "save memory", "tell"]
    assert [one.files for one in found] == [("pay/words.py",), ("pay/pool.yaml",), ("docs/a.md",)]
    assert "+  max_connections: 10" in found[1].diff
    assert found[0].author == "Mara"
    assert notes == ()


def test_nothing_that_the_repository_says_is_run(repository: Path, tmp_path: Path) -> None:
    trap, touched = tmp_path / "trap", tmp_path / "touched"
    trap.write_text(f"#!/bin/sh\ntouch {touched}\ncat\n")
    trap.chmod(0o755)
    for name in ("diff.external", "core.pager", "core.fsmonitor", "gpg.program", "diff.x.textconv",
                 "diff.x.command", "pager.log", "filter.x.clean", "filter.x.smudge", "core.sshCommand"):  # fmt: skip
        told("config", name, str(trap), at=repository)
    told("config", "log.showSignature", "true", at=repository)
    told("config", "alias.log", f"!{trap}", at=repository)
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("* diff=x filter=x\n")
    for hook in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        path = repository / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(trap.read_text())
        path.chmod(0o755)
    found, _ = git.commits_between(repository, "v1.4..v1.5")
    assert len(found) == 3
    assert not touched.exists()


def test_very_many_commits_are_bounded_and_told_of(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "COMMITS_MAX", 2)
    found, notes = git.commits_between(repository, "v1.4..v1.5")
    assert [one.message for one in found] == ["save memory", "tell"]
    assert "More than 2 commits" in notes[0]
    monkeypatch.setattr(git, "BYTES_MAX", 300)
    found, notes = git.commits_between(repository, "v1.4..v1.5")
    assert "of diffs" in notes[0]


@pytest.mark.parametrize(
    "between", ["v1.4", "--output=/tmp/x..v1", "v1..-x", "v1.4..v9", "a b..c", "v1;id..v2"]
)
def test_what_is_no_range_of_releases_is_said(repository: Path, between: str) -> None:
    with pytest.raises(Invalid):
        git.commits_between(repository, between)
