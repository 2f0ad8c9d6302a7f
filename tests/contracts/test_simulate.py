"""Does `mainstay simulate` write what it says, and nothing that gives the answer away?"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from mainstay.cli import program, run
from mainstay.simulation import FAULTS


def told(*words: object) -> tuple[int, str]:
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out):
        code = run(program(), [*map(str, words)], errors=errors)
    return code, out.getvalue() + errors.getvalue()


def texts(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(f.relative_to(folder)): f.read_text(encoding="utf-8") for f in files}


def test_the_twenty_are_listed_each_in_a_sentence() -> None:
    code, output = told("simulate", "--list")
    assert code == 0
    assert len(FAULTS) == 20
    assert all(name in output for name in FAULTS)
    rows: dict[str, str] = json.loads(told("simulate", "--list", "--json")[1])
    assert all(one.endswith(".") for one in rows.values())


def test_the_same_seed_writes_the_same_folder_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        code, output = told(
            "simulate", "--fault", "stuck-queue", "--seed", seed, "--to", tmp_path / name
        )
        assert code == 0, output
    a, b, c = (texts(tmp_path / name) for name in "abc")
    assert a == b
    assert a != c
    assert {
        "good/facts.jsonl",
        "bad/facts.jsonl",
        "bad/metrics.csv",
        "changes.json",
        "calls.csv",
    } <= a.keys()


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_in_the_folder_names_the_fault(fault: str, tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    code, _ = told("simulate", "--fault", fault, "--to", tmp_path / "sent", "--truth", truth)
    assert code == 0
    for name, text in texts(tmp_path / "sent").items():
        assert fault not in f"{name} {text}"
        assert fault.replace("-", " ") not in text.lower()
    assert json.loads(truth.read_text())["faults"][0]["fault"] == fault


def test_wrong_words_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    sent = tmp_path / "sent"
    for words, said in (
        (["--fault", "gremlins", "--to", sent], "There is no fault gremlins"),
        (["--fault", "file-late"], "--to FOLDER"),
        (["--to", tmp_path / "full"], "not empty"),
        (["--to", sent, "--truth", sent / "t.json"], "must not be among the evidence"),
        (["--to", tmp_path / "full" / "a.txt" / "b"], "cannot be written"),
    ):
        code, output = told("simulate", *words)
        assert code == 2, output
        assert said in output


def diagnosed(folder: Path) -> dict[str, Any]:
    code, output = told("diagnose", folder, "--json")
    assert code == 0, output
    answer: dict[str, Any] = json.loads(output)
    return answer


def observed(used: float, at: str | None = None) -> str:
    row = {"where": "pg-01", "kind": "filesystem", "name": "/data", "values": {"used_share": used}}
    return json.dumps(row | ({"at": at} if at else {}))


def test_observations_are_read_and_bad_lines_told_of_with_their_number(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "good" / "facts.jsonl").write_text(observed(0.4) + "\n")
    lines = ["{", "[]", '{"kind": "x"}', '{"where": "a", "kind": "moon"}', observed(1.0, "soon"),
             "[" * 50_000, '{"where": "a", "kind": "file", "values": 3}', observed(1.0)]  # fmt: skip
    (tmp_path / "bad" / "facts.jsonl").write_text("\n".join(lines) + "\n")
    answer = diagnosed(tmp_path)
    first = answer["hypotheses"][0]
    assert (first["where"], first["kind"], first["verdict"]) == (
        "pg-01",
        "full-file-system",
        "likely",
    )
    notes = " ".join(answer["notes"])
    for said in ("line 1 is no JSON", "line 2 is no JSON object", "line 4 has no known `kind`: moon",
                 "line 5 has no lawful time: soon", "2 more lines"):  # fmt: skip
        assert said in notes, answer["notes"]
