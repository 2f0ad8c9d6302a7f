"""Can a browser be set up to ring, and does the button on its notification acknowledge?

Chromium without a maker's push service behind it cannot subscribe: that one call is answered by the
test, with the keys of a browser written from the RFCs. The rest is real: the push goes over HTTP to
a push service, is opened with those keys, and handed to Chromium's service worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from alpenpay import Day, alpenpay
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from test_console_screens import RULES
from windows import PHONE, Watched, sign_in, until

from fakes.pushservice import Browser, signed_by
from fakes.world import Provider, Status, World
from mainstay import incidents, people
from mainstay.acts import commands
from mainstay.estate import Target
from mainstay.foundation.clock import SystemClock
from mainstay.foundation.egress import Egress
from mainstay.incidents import Incident
from mainstay.paging.channels import Push, Vapid, new_key
from peers import wait_until

SUBSCRIBE = """(given) => {
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)).buffer;
  let made = null;
  PushManager.prototype.getSubscription = async () => made ?? (sessionStorage.made ? subscription() : null);
  const subscription = () => ({
    endpoint: given.endpoint,
    options: { applicationServerKey: bytes(sessionStorage.made) },
    getKey: (name) => bytes(name === "p256dh" ? given.key : given.secret),
  });
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly || applicationServerKey.length !== 65) throw new Error("refused");
    sessionStorage.made = btoa(String.fromCharCode(...applicationServerKey));
    return (made = subscription());
  };
}"""
SHOWN = """async () => {
  return (await self.registration.getNotifications()).map((one) => ({
    title: one.title, body: one.body, tag: one.tag, silent: one.silent === true, actions: one.actions.map((it) => it.title),
  }));
}"""
CLICK = """async (action) => {
  const [notification] = await self.registration.getNotifications();
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action }));
}"""


@pytest.fixture(scope="module")
def service() -> Iterator[Provider]:
    with World() as world:
        yield world.provider("push")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, service: Provider) -> Iterator[Day]:
    """Monday; pages can be pushed, through a push service on this machine."""
    push = Push(Egress(frozenset({service.at})), SystemClock(), vapid=Vapid.of(new_key()))
    with alpenpay(tmp_path_factory.mktemp("push"), beside=push) as day:
        day.grants("ana", "lead")
        yield day


class Phone:
    """Ana's phone: Chromium in the width of one, with notifications allowed."""

    def __init__(self, chromium: Chromium, day: Day, service: Provider) -> None:
        self.day = day
        self.service = service
        self.keys = Browser()
        self.heard = len(service.hits)
        self.context = chromium.new_context(viewport=PHONE)  # type: ignore[arg-type]
        self.context.grant_permissions(["notifications"], origin=day.url)
        given = {
            "endpoint": f"{service.url}/send/canary-endpoint-{self.keys.secret[:6]}",
            "key": self.keys.key,
            "secret": self.keys.secret,
        }
        self.context.add_init_script(f"({SUBSCRIBE})({json.dumps(given)})")
        self.page = sign_in(self.context, day, "ana")
        self.faults = Watched(self.page).faults

    def set_up(self, name: str) -> None:
        """What Ana does in her settings."""
        self.page.goto(f"{self.day.url}/settings")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Ring on this device").click()
        expect(self.page.locator(".said")).to_contain_text(f"ana can be paged by push at {name}")

    def paged(self, service: str) -> Incident:
        """Something breaks, and somebody asks for Ana."""
        self.day.fires(service, "Down", "critical", f"{service} answers nobody")
        found = self.day.runtime.db.read(
            lambda tx: incidents.page(tx, open_only=True, before=None, limit=1)
        )[0]
        command = commands.PageByHand(found.name, Target("person", "ana"), "your code")
        self.day.act("root", command, role="admin")
        return found

    def receives(self) -> dict[str, Any]:
        """What the push service was handed, opened, and delivered to the service worker."""
        hit = self.service.wait(self.heard + 1)[-1]
        self.heard += 1
        plain = self.keys.opened(hit.body)
        signed_by(hit, audience=self.service.url)
        _deliver(self.page, self.day.url, plain.decode())
        said: dict[str, Any] = json.loads(plain)
        return said

    def shows(self, title: str) -> dict[str, Any]:
        """The one notification, as soon as it is the one of this title."""

        seen: list[Any] = []

        def look() -> dict[str, Any] | None:
            shown: list[dict[str, Any]] = self.context.service_workers[0].evaluate(SHOWN)
            seen[:] = [len(self.context.service_workers), *shown]
            return shown[0] if len(shown) == 1 and title in shown[0]["title"] else None

        try:
            found = wait_until(look, within_s=60, what=f"a notification {title!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}; shown: {seen}") from None
        assert found is not None
        return found

    def presses(self, action: str) -> None:
        """A button of the notification; an empty one is the notification itself."""
        self.context.service_workers[0].evaluate(CLICK, action)


def _deliver(page: Page, origin: str, words: str) -> None:
    session = page.context.new_cdp_session(page)
    found: list[str] = []

    def note(event: dict[str, Any]) -> None:
        found.extend(
            one["registrationId"] for one in event["registrations"] if not one["isDeleted"]
        )

    session.on("ServiceWorker.workerRegistrationUpdated", note)
    session.send("ServiceWorker.enable")
    page.wait_for_function(  # a worker that only begins is handed nothing
        "navigator.serviceWorker.ready.then((one) => one.active.state === 'activated')"
    )
    until(page, lambda: found, what="the registration of the worker")
    asked = {"origin": origin, "registrationId": found[0], "data": words}
    session.send("ServiceWorker.deliverPushMessage", asked)


@pytest.fixture
def phone(chromium: Chromium, day: Day, service: Provider) -> Iterator[Phone]:
    made = Phone(chromium, day, service)
    yield made
    made.context.close()
    for one in day.runtime.db.read(lambda tx: people.addresses(tx, "ana")):
        if one.kind == people.DEVICE:
            day.act("root", commands.RemoveAddress(one.id), role="admin")


def _acked_by(day: Day, incident: Incident) -> str | None:
    found = day.runtime.db.read(lambda tx: incidents.get(tx, incident.id))
    assert found is not None
    return found.acked_by


def test_the_button_on_the_notification_acknowledges_when_nobody_is_signed_in_any_more(
    phone: Phone, day: Day
) -> None:
    phone.set_up("pager")
    expect(phone.page.get_by_text("This device rings when you are paged.")).to_be_visible()
    expect(phone.page.locator("[data-device] .here")).to_be_visible()
    incident = phone.paged("checkout")
    said = phone.receives()
    shown = phone.shows(f"{incident.name} SEV 1 checkout")
    assert shown["title"] == said["title"]
    assert "Why you: " in shown["body"]
    assert shown["actions"] == ["Acknowledge", "Open"]
    assert _acked_by(day, incident) is None, "to be shown is not to be acknowledged"
    assert phone.faults == []
    phone.context.clear_cookies()  # from here on the open screen is refused whatever it fetches
    phone.presses("acknowledge")
    outcome = phone.shows(f"{incident.name} is acknowledged")
    assert outcome["body"] == "You have it now. Nobody else is paged."
    assert _acked_by(day, incident) == "ana"
    day.settle()
    assert phone.receives()["title"] == f"{incident.name}: Ana Keller has it"
    phone.shows(f"{incident.name}: Ana Keller has it")
    _deliver(phone.page, day.url, json.dumps(said))
    phone.shows(f"{incident.name} SEV 1 checkout")
    phone.presses("acknowledge")
    assert "used before" in phone.shows("is NOT acknowledged")["body"]
    assert [fault for fault in phone.faults if "401 (Unauthorized)" not in fault] == []


def test_a_page_gives_way_without_a_sound_to_who_has_it_now(phone: Phone, day: Day) -> None:
    phone.set_up("pager")
    incident = phone.paged("crm")
    phone.receives()
    phone.shows(f"{incident.name} P")
    day.act("ben", commands.Acknowledge(incident.name))
    assert phone.receives()["stopped"] is True
    shown = phone.shows(f"{incident.name}: Ben Okafor has it")
    assert (shown["actions"], shown["silent"]) == (["Open"], True)
    day.act("ben", commands.Resolve(incident.name))
    assert len(phone.service.hits) == phone.heard, "once is enough"
    assert phone.faults == []


def test_without_a_connection_the_button_says_so_and_no_screen_is_shown_from_memory(
    phone: Phone, day: Day
) -> None:
    phone.set_up("pager")
    incident = phone.paged("hr-portal")
    phone.receives()
    phone.shows(incident.name)
    path = f"/incidents/{incident.number}"
    phone.context.set_offline(True)
    phone.presses("acknowledge")
    assert "no connection" in phone.shows("NOT acknowledged")["body"]
    phone.page.goto(f"{day.url}{path}")
    expect(phone.page.get_by_role("heading")).to_have_text("No connection to Mainstay")
    expect(phone.page.locator("body")).not_to_contain_text(incident.name)
    kept = phone.page.evaluate(
        "async () => (await Promise.all((await caches.keys()).map(async (name) =>"
        " (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat()"
    )
    assert kept == ["/static/push/offline.html"]
    assert _acked_by(day, incident) is None
    phone.context.set_offline(False)
    phone.page.goto(f"{day.url}{path}")
    expect(phone.page.locator("body")).to_contain_text("hr-portal")


def test_a_device_is_tried_listed_and_removed_and_nothing_of_it_is_shown(
    phone: Phone, day: Day
) -> None:
    phone.set_up("pager")
    assert Axe().run(phone.page, options=RULES).response["violations"] == []
    phone.page.locator("[data-device]").get_by_role("button", name="Try it").click()
    expect(phone.page.locator(".said")).to_contain_text("1 of 1 were taken")
    phone.receives()
    assert phone.shows("TEST")["actions"] == ["Open"]
    phone.service.then(Status(410))
    phone.page.locator("[data-device]").get_by_role("button", name="Try it").click()
    expect(phone.page.locator(".said")).to_contain_text("does not take pages any more")
    html = phone.page.content()
    for secret in ("canary-endpoint", phone.keys.key, phone.keys.secret):
        assert secret not in html
    phone.page.locator("[data-device]").get_by_role("button", name="Remove").click()
    expect(phone.page.locator("[data-device]")).to_have_count(0)
    expect(phone.page.get_by_role("button", name="Ring on this device")).to_be_visible()
    left = day.runtime.db.read(lambda tx: people.addresses(tx, "ana"))
    assert {one.kind for one in left} == {"ntfy", "sms", "mail"}
    assert phone.faults == []


def test_what_cannot_ring_says_so_plainly(chromium: Chromium, day: Day) -> None:
    plain = chromium.new_context(java_script_enabled=False)
    page = sign_in(plain, day, "ana")
    page.goto(f"{day.url}/settings")
    expect(page.locator("#device-says")).to_contain_text("needs script")
    expect(page.get_by_role("button", name="Ring on this device")).to_be_hidden()
    signed_in = plain.storage_state()
    plain.close()
    for script, words in (
        ("delete window.PushManager", "This browser takes no pages"),
        ("Object.defineProperty(window, 'isSecureContext', {value: false})", "only over https"),
        ("Object.defineProperty(Notification, 'permission', {value: 'denied'})", "are blocked"),
    ):
        context = chromium.new_context(storage_state=signed_in)  # type: ignore[arg-type]
        context.add_init_script(script)
        page = context.new_page()
        page.goto(f"{day.url}/settings")
        expect(page.locator("#device-says")).to_contain_text(words)
        expect(page.get_by_role("button", name="Ring on this device")).to_be_hidden()
        context.close()


def test_the_console_can_be_installed(chromium: Chromium, day: Day) -> None:
    context = chromium.new_context(viewport=PHONE)  # type: ignore[arg-type]
    page = sign_in(context, day, "ana")
    session = context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert manifest["start_url"] == "/"
    for icon in manifest["icons"]:
        answer = context.request.get(day.url + icon["src"])
        assert answer.headers["content-type"] == "image/png"
        width, height = (int.from_bytes(answer.body()[i : i + 4], "big") for i in (16, 20))
        assert icon["sizes"] == f"{width}x{height}"
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [one["errorId"] for one in errors] == ["in-incognito"], "the test's own window"
    worker = context.request.get(f"{day.url}/sw.js")
    assert worker.headers["service-worker-allowed"] == "/"
    assert worker.headers["cache-control"] == "no-cache"
    assert "worker-src 'self'" in worker.headers["content-security-policy"]
    context.close()
