"""Chromium, and days at Alpenpay to look at with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import days
import pytest
from alpenpay import Day, alpenpay
from playwright.sync_api import Browser, expect, sync_playwright
from windows import DESK, Watched, sign_in

expect.set_options(timeout=30_000)  # a machine under load is slow, and still right


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's own."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium; `make peers` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """The usual day, 07:04; Ana may do everything."""
    with alpenpay(tmp_path_factory.mktemp("usual")) as day:
        days.usual(day)
        days.override(day)
        day.grants("ana", "lead", "admin")
        yield day


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Day]:
    """Monday, 08:00, and nothing has happened yet."""
    with alpenpay(tmp_path) as day:
        yield day


@pytest.fixture(scope="module")
def ana(chromium: Browser, usual: Day) -> Iterator[Watched]:
    """Ana at her desk, signed in, on the usual day."""
    context = chromium.new_context(viewport=DESK, color_scheme="light")  # type: ignore[arg-type]
    page = sign_in(context, usual, "ana")
    yield Watched(page)
    context.close()
