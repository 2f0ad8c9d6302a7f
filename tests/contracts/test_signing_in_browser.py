"""Does a real browser sign in: at a provider that we did not write, and by code at our own door?"""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from browsing import PASSWORD, Visitor
from live import live
from mainstay.foundation.settings import Oidc
from mainstay.foundation.settings.values import SignIn
from mainstay.signin import totp
from peers import free_port

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own library tells it to move on
    from oidc_provider_mock import User, run_server_in_thread

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium; `make peers` installs it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of its own; whatever the policy of our pages forbids fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    fresh = context.new_page()
    said: list[str] = []
    fresh.on("console", lambda message: said.append(message.text))
    yield fresh
    context.close()
    assert not [text for text in said if "Content Security Policy" in text]


def test_somebody_signs_in_at_the_provider_and_out_again(tmp_path: Path, page: Page) -> None:
    claims = {"preferred_username": "mara", "groups": ["sre"]}
    port = free_port()
    with run_server_in_thread(user_claims=[User(sub="mara", claims=claims)]) as provider:
        issuer = f"http://127.0.0.1:{provider.server_port}"
        oidc = Oidc(issuer=issuer, client_id="mainstay", client_secret="env:S",
                    roles=("sre=responder/payops",))  # fmt: skip
        with live(
            tmp_path, run_loops=False, environment={"S": "s3cret"}, port=port,
            public_url=f"http://127.0.0.1:{port}", sign_in=SignIn(oidc=oidc),
        ) as mainstay:  # fmt: skip
            page.goto(f"{mainstay.url}/account")
            page.click("text=Single sign-on")
            page.fill("input[name=sub]", "mara")
            page.click("button >> nth=0")
            page.wait_for_url(f"{mainstay.url}/account")
            assert "mara, responder of payops" in page.inner_text("main")
            page.click("text=Sign out >> nth=-1")
            page.goto(f"{mainstay.url}/account")
            assert page.url == f"{mainstay.url}/sign-in?next=/account"


def test_somebody_sets_up_codes_and_signs_in_with_one(tmp_path: Path, page: Page) -> None:
    with live(tmp_path, run_loops=False) as mainstay:
        page.goto(mainstay.url + Visitor(mainstay).link("invite", "mara"))
        page.fill("#password", PASSWORD)
        page.fill("#again", PASSWORD)
        page.click("button")
        page.goto(f"{mainstay.url}/account/codes")
        page.click("text=Begin")
        page.wait_for_selector(".square")
        assert page.locator(".square svg").count() == 1
        secret = re.sub(r"\s", "", page.inner_text(".secret"))
        step = totp.step_of(mainstay.runtime.clock.now())
        page.fill("#code", totp.code_at(secret, step))
        page.click("text=That is it")
        page.wait_for_selector(".codes")
        assert page.locator(".codes li").count() == totp.RECOVERY_N
        page.context.clear_cookies()
        page.goto(f"{mainstay.url}/sign-in")
        page.fill("#name", "mara")
        page.fill("#password", PASSWORD)
        page.fill("#code", totp.code_at(secret, step + 1))
        page.click("button")
        page.wait_for_url(f"{mainstay.url}/")
        assert {one["name"] for one in page.context.cookies()} == {"__Host-mainstay"}
