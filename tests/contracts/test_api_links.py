"""Can somebody acknowledge from a phone, once, and nobody else in their name?"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from live import Live, Reply, live
from mainstay.foundation.settings import Sms

pytestmark = pytest.mark.both

SECRET = "the provider's own token"
PUBLIC = "https://mainstay.example"
MARA = "+41790000000"
FIRING = [
    {
        "labels": {"alertname": "ReplicaLag", "service": "pay-db", "severity": "critical"},
        "annotations": {"summary": "<script>alert(1)</script> & more"},
    }
]


@pytest.fixture
def mainstay(tmp_path: Path) -> Iterator[Live]:
    sms = Sms(account="AC1", token="env:SMS_TOKEN", sender="+41790000099")
    environment = {"SMS_TOKEN": SECRET}
    with live(tmp_path, environment=environment, public_url=PUBLIC, sms=sms) as running:
        running.call("POST", "/api/v2/alerts", FIRING, key=running.key("prometheus"))
        running.phone("mara").wait()
        running.until(
            "/incidents/1", lambda i: i["pages"][0]["state"] == "sent", what="the page to be sent"
        )
        yield running


def link(mainstay: Live) -> str:
    """The path of the acknowledge link in mara's page."""
    url = mainstay.phone("mara").pages[0].ack_url
    assert url is not None
    assert url.startswith(f"{PUBLIC}/a/")
    return urlsplit(url).path


def holder(mainstay: Live) -> str | None:
    who: str | None = mainstay.own("GET", "/incidents/1").json["acknowledged_by"]
    return who


def test_looking_at_the_link_shows_the_incident_and_spends_nothing(mainstay: Live) -> None:
    for _ in range(3):
        shown = mainstay.call("GET", link(mainstay))
        assert (shown.status, b"INC-1" in shown.body) == (200, True)
    head = mainstay.call("HEAD", link(mainstay))
    assert (head.status, head.body) == (200, b"")
    assert holder(mainstay) is None
    assert b">Acknowledge</button>" in shown.body


def test_the_page_needs_nothing_from_elsewhere_and_runs_no_script(mainstay: Live) -> None:
    shown = mainstay.call("GET", link(mainstay))
    assert b"<script" not in shown.body
    assert b"&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in shown.body
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(rb"(src|href)=", shown.body)
    assert (shown.headers["referrer-policy"], shown.headers["cache-control"]) == (
        "no-referrer", "no-store",
    )  # fmt: skip


def test_the_hash_in_the_policy_is_that_of_the_style(mainstay: Live) -> None:
    shown = mainstay.call("GET", link(mainstay))
    style = re.search(rb"<style>(.*)</style>", shown.body, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert f"'sha256-{digest}'" in shown.headers["content-security-policy"]


def test_pressing_the_button_acknowledges_once_as_the_person_who_was_paged(mainstay: Live) -> None:
    done = mainstay.call("POST", link(mainstay))
    assert (done.status, holder(mainstay)) == (200, "mara")
    assert b"You have it now" in done.body
    assert b"<button" not in done.body
    again = mainstay.call("POST", link(mainstay))
    assert (again.status, b"used before" in again.body) == (409, True)
    assert b"used before" in mainstay.call("GET", link(mainstay)).body
    timeline = mainstay.own("GET", "/incidents/1/timeline").json["items"]
    kinds = [fact["actor"] for fact in timeline if fact["kind"] == "incident.acknowledged"]
    assert kinds == ["person:mara"]


def test_the_link_says_who_has_it_already(mainstay: Live) -> None:
    taken = mainstay.call("POST", "/mainstay/v1/incidents/1/acknowledge",
                          key=mainstay.token("responder", "ben"))  # fmt: skip
    assert taken.status == 200
    shown = mainstay.call("GET", link(mainstay))
    assert b"Ben Okafor acknowledged it" in shown.body
    assert b">Take it over</button>" in shown.body


def test_the_link_of_a_resolved_incident_says_so_and_is_not_spent(mainstay: Live) -> None:
    assert mainstay.own("POST", "/incidents/1/resolve").status == 200
    assert b"It is resolved" in mainstay.call("GET", link(mainstay)).body
    pressed = mainstay.call("POST", link(mainstay))
    assert (pressed.status, b"resolved" in pressed.body) == (409, True)
    assert mainstay.rows("SELECT used_at FROM paging_link") == [(None,)]


@pytest.mark.parametrize("token", ["", "x", "a/b", "%00", "é" * 10, "a" * 5_000])
def test_a_link_that_is_none_is_404_in_words(mainstay: Live, token: str) -> None:
    for method in ("GET", "POST"):
        answer = mainstay.call(method, "/a/" + urlencode({"": token})[1:])
        assert (answer.status, b"not valid" in answer.body) == (404, True)


def leave(mainstay: Live) -> None:
    """Mara leaves: the estate names her no more."""
    declared = mainstay.own("GET", "/estate").json["estate"]
    del declared["people"]["mara"]
    declared["teams"]["payops"]["members"] = ["ben"]
    declared["schedules"]["payops-oncall"]["layers"][0]["order"] = ["ben"]
    assert mainstay.own("POST", "/estate/apply", {"estate": declared}, role="admin").status == 200


def test_the_link_of_somebody_who_has_left_acknowledges_nothing(mainstay: Live) -> None:
    ben = mainstay.token("viewer", "ben")
    leave(mainstay)
    for method in ("GET", "POST"):
        answer = mainstay.call(method, link(mainstay))
        assert (answer.status, b"no longer" in answer.body) == (403, True)
    shown = mainstay.call("GET", "/mainstay/v1/incidents/1", key=ben)
    assert shown.json["acknowledged_by"] is None


def test_a_link_takes_no_other_method(mainstay: Live) -> None:
    assert mainstay.call("DELETE", link(mainstay)).status == 405


# -- SMS -------------------------------------------------------------------------------------------


def signed(params: dict[str, str], secret: str = SECRET) -> str:
    text = f"{PUBLIC}/callbacks/sms" + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), "sha1").digest()).decode()


def texts(mainstay: Live, body: str, *, number: str = MARA, sid: str = "SM1") -> Reply:
    """Somebody answers by SMS; the provider tells us, signed."""
    params = {"From": number, "Body": body, "MessageSid": sid, "To": "+41790000099"}
    headers = {
        "X-Twilio-Signature": signed(params),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return mainstay.call("POST", "/callbacks/sms", urlencode(params).encode(), headers=headers)


@pytest.mark.parametrize("words", ["1", "INC-1", "inc-1", "ack", "Ack 1", " ACK. "])
def test_an_sms_with_the_number_or_ack_alone_acknowledges(mainstay: Live, words: str) -> None:
    answer = texts(mainstay, words)
    assert (answer.status, holder(mainstay)) == (200, "mara"), answer.body
    assert b"<Response><Message>mara acknowledged INC-1" in answer.body
    assert answer.headers["content-type"].startswith("text/xml")


def test_an_sms_that_says_something_else_is_answered_with_what_would_do(mainstay: Live) -> None:
    answer = texts(mainstay, "what is this?")
    assert (answer.status, holder(mainstay)) == (200, None)
    assert b"Answer with the number of the incident" in answer.body


def test_a_number_that_is_nobodys_acknowledges_nothing_and_gets_no_answer(mainstay: Live) -> None:
    answer = texts(mainstay, "1", number="+15550001111")
    assert (answer.status, holder(mainstay)) == (200, None)
    assert b"<Message>" not in answer.body


def test_without_the_providers_signature_nothing_happens(mainstay: Live) -> None:
    params = {"From": MARA, "Body": "1", "MessageSid": "SM1"}
    body = urlencode(params).encode()
    for signature in (
        "",
        "nonsense",
        signed(params, "another secret"),
        signed(params | {"x": "y"}),
    ):
        headers = {"X-Twilio-Signature": signature}
        assert mainstay.call("POST", "/callbacks/sms", body, headers=headers).status == 403
    assert holder(mainstay) is None


def test_a_message_that_comes_again_does_nothing_again(mainstay: Live) -> None:
    assert texts(mainstay, "ack").status == 200
    assert mainstay.own("POST", "/incidents/1/unacknowledge").status == 200
    assert b"received before" in texts(mainstay, "ack").body
    assert holder(mainstay) is None


def test_a_refused_message_cannot_be_replayed_later_either(mainstay: Live) -> None:
    assert mainstay.own("POST", "/incidents/1/resolve").status == 200
    assert b"resolved" in texts(mainstay, "ack").body
    assert mainstay.own("POST", "/incidents/1/reopen", {"reason": "back"}).status == 200
    assert b"received before" in texts(mainstay, "ack").body
    assert holder(mainstay) is None


def test_where_no_provider_is_set_up_the_callback_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with live(tmp_path / "other", run_loops=False) as other:
        assert texts(other, "1").status == 404


def test_the_number_of_somebody_who_has_left_acknowledges_nothing(mainstay: Live) -> None:
    ben = mainstay.token("viewer", "ben")
    leave(mainstay)
    assert b"<Message>" not in texts(mainstay, "1").body
    shown = mainstay.call("GET", "/mainstay/v1/incidents/1", key=ben)
    assert shown.json["acknowledged_by"] is None


def test_an_sms_acknowledges_only_what_its_sender_was_paged_for(mainstay: Live) -> None:
    ben = "+41790000001"
    answer = texts(mainstay, "1", number=ben)
    assert (answer.status, holder(mainstay)) == (200, None)
    assert b"INC-1 has not paged you" in answer.body
