"""A skip is never silent: with CI=true it is a failure, elsewhere the last line counts them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

STRICT = os.environ.get("CI") == "true"
COUNTS = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Nothing skipped yet."""
    config.stash[COUNTS] = Counter()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a skipped test. One that is expected to fail (xfail) is no skip."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _judge(item.config, report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge a file that skips itself as a whole."""
    report = yield
    if report.skipped:
        _judge(collector.config, report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, Any, Any]:
    """Write the last line, after pytest's own."""
    result = yield
    counts = session.config.stash[COUNTS]
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if counts and reporter is not None:
        said = "; ".join(f"{n} × {reason}" for reason, n in counts.most_common())
        reporter.write_line(f"{counts.total()} skipped: {said}")
    return result


def _judge(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = _reason(report)
    if STRICT:
        report.outcome = "failed"
        report.longrepr = f"Skipped, and with CI=true a skip is a failure: {reason}"
    else:
        config.stash[COUNTS][reason] += 1


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    words = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return words.removeprefix("Skipped: ")
