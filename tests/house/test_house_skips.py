"""Is a skip ever silent? Tried on pytest itself, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
SKIPPING = """
import pytest

@pytest.mark.skip(reason="no printer")
def test_marked(): ...

def test_called():
    pytest.skip("no printer")

def test_another():
    pytest.skip("no phone")

@pytest.mark.xfail
def test_known_to_fail():
    assert False

def test_fine(): ...
"""
WHOLE_FILE = "import pytest\npytest.skip('no printer', allow_module_level=True)\n"


def run(folder: Path, text: str, *, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "skips", "-p", "no:cacheprovider", "."]
    environment = {
        **os.environ,
        "CI": ci,
        "PYTHONPATH": str(TESTS),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


def test_the_last_line_counts_skips_by_reason(tmp_path: Path) -> None:
    done = run(tmp_path, SKIPPING, ci="")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "3 skipped: 2 × no printer; 1 × no phone"


def test_without_a_skip_nothing_is_added(tmp_path: Path) -> None:
    done = run(tmp_path, "def test_fine(): ...", ci="")
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("text", [SKIPPING, WHOLE_FILE])
def test_with_ci_a_skip_is_a_failure(tmp_path: Path, text: str) -> None:
    done = run(tmp_path, text, ci="true")
    assert done.returncode != 0
    assert "with CI=true a skip is a failure: no printer" in done.stdout


def test_a_file_that_skips_itself_is_counted(tmp_path: Path) -> None:
    done = run(tmp_path, WHOLE_FILE, ci="")
    assert done.stdout.splitlines()[-1] == "1 skipped: 1 × no printer"
