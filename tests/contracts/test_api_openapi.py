"""Is the OpenAPI document true? Schemathesis asks every operation, with good words and bad ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from live import Live, live

WITHIN_S = 110


@pytest.fixture
def mainstay(tmp_path: Path) -> Iterator[Live]:
    with live(tmp_path) as running:
        body = [{"labels": {"alertname": "x", "service": "pay-api"}}]
        running.call("POST", "/api/v2/alerts", body, key=running.key("prometheus"))
        running.alerts(1)
        yield running


@pytest.mark.timeout(WITHIN_S + 20)
def test_every_answer_is_one_that_the_document_promises_and_none_is_a_fault_of_ours(
    mainstay: Live, tmp_path: Path
) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"), "run", f"{mainstay.url}/openapi.json",
            "--header", f"Authorization: Bearer {mainstay.token('admin')}",
            "--phases", "coverage,fuzzing", "--max-examples", "3", "--seed", "1",
            "--continue-on-failure", "--no-color",
            # A name that fits the schema may still be nobody's: that is 400 with a pointer.
            "--exclude-checks", "positive_data_acceptance",
            # It would revoke the token that it works with.
            "--exclude-operation-id", "access_revoke_token",
        ],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "NO_PROXY": "*"},
        capture_output=True, text=True, timeout=WITHIN_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-1_000:]
    assert "401 Unauthorized (" not in done.stdout


def test_the_document_is_open_and_names_how_to_authenticate(mainstay: Live) -> None:
    answer = mainstay.call("GET", "/openapi.json")
    assert answer.status == 200
    assert set(answer.json["components"]["securitySchemes"]) == {"bearer", "basic"}
    operations = [one for path in answer.json["paths"].values() for one in path.values()]
    assert all(one["security"] and "422" not in one["responses"] for one in operations)
    assert len({one["operationId"] for one in operations}) == len(operations)
