"""After a day of pages and failures at debug level: does any secret stand where it should not? (P26)

A real server, real providers that refuse everything and repeat what they were sent. Then every
answer, every line of the log and every byte of the data folder is searched for each secret, plain,
in hex, URL-encoded and in base64 at all three alignments.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme
from cli_serving import Install, kill_quietly

from clusters import PASSWORD, Cluster
from fakes.postoffice import PostOffice
from fakes.pushservice import Browser
from fakes.world import Hit, Provider, Status, World
from live import ESTATE
from mainstay import paging
from mainstay.foundation.db import Tx
from mainstay.foundation.sealing import Cell, Keys, Ring
from mainstay.watchdog import last_sign
from peers import wait_until

SMTP_PASSWORD = "canary-smtp/password+1"
SMS_TOKEN = "canary-sms/token+2"
HOOK_SECRET = "canary-hook/secret+3"
PUSH_SECRET = "canary-push/secret+4"
SLACK_PATH = "canary-slack-path-5"
ALARM_PASSWORD = "canary-alarm/password+6"
ALARM_SECRET = "canary-alarm/secret+7"
ALARM_PATH = "canary-alarm-path-8"
BEAT_PATH = "canary-beat-path-9"
DEVICE_PATH = "canary-device-path-10"
ALERT = {"labels": {"alertname": "Lag", "service": "pay-db", "severity": "critical"}}


def forms(secret: str) -> set[bytes]:
    """How a secret may look; for base64 what shows of it whatever stands around it."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), quote(secret, safe="").encode()}
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw + bytes(3))
        core = text[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        found |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def repeat(hit: Hit) -> Status:
    """A provider that refuses, and puts all that it was sent into its answer."""
    link = re.search(rb"http://mainstay\.test/a/[\w-]+", hit.body)
    shown = [hit.headers.get("authorization", ""), link[0].decode() if link else "", hit.path]
    return Status(503, json.dumps({"message": " ".join(shown)}).encode())


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Install]:
    for name in [name for name in os.environ if name.startswith("MAINSTAY_")]:
        monkeypatch.delenv(name)
    made = Install(tmp_path, capsys)
    yield made
    kill_quietly(made.process)


def private(path: Path, text: str) -> Path:
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def settings(install: Install, post: PostOffice, sms: Provider, others: list[Provider]) -> None:
    allowed = json.dumps([one.at for one in (sms, *others)])
    (install.folder / "mainstay.toml").write_text(
        f'public_url = "http://mainstay.test"\nlog_level = "debug"\n'
        f"[egress]\nallow = {allowed}\n"
        f'[smtp]\nhost = "127.0.0.1"\nport = {post.port}\nsecurity = "starttls"\n'
        f'user = "mainstay"\npassword = "env:CANARY_SMTP"\nsender = "page@mainstay.test"\n'
        f'ca_file = "{install.folder / "ca.pem"}"\n'
        f'[sms]\nbase = "{sms.url}"\naccount = "AC1"\ntoken = "env:CANARY_SMS"\n'
        'sender = "+41790000099"\n'
        "[watchdog]\nevery_s = 0.5\ngrace_s = 0.5\nrepeat_s = 1\n"
        'heartbeat_url = "env:CANARY_BEAT_URL"\n'
        f'[watchdog.mail]\nhost = "127.0.0.1"\nport = {post.port}\nuser = "watchdog"\n'
        'password = "env:CANARY_ALARM"\nsender = "watchdog@mainstay.test"\n'
        f'to = ["floor@mainstay.test"]\nca_file = "{install.folder / "ca.pem"}"\n'
        '[watchdog.webhook]\nurl = "env:CANARY_ALARM_URL"\nsecret = "env:CANARY_ALARM_SECRET"\n'
    )
    (install.folder / "estate").mkdir()
    (install.folder / "estate" / "estate.yaml").write_text(ESTATE)


class Asker:
    """Sends what a careless or hostile client would, and keeps every answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: list[bytes] = []

    def ask(
        self, method: str, path: str, body: bytes = b"", *, bearer: str = "", **more: str
    ) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        connection.request(method, path, body, headers | more)
        answer = connection.getresponse()
        self.answers.append(str(answer.getheaders()).encode() + answer.read())
        connection.close()
        return answer.status


def careless(asker: Asker, key: str, agent: str, token: str) -> None:
    """Keys and tokens in every place where somebody might put them."""
    good, own = json.dumps([ALERT]).encode(), "/mainstay/v1"
    assert asker.ask("POST", "/api/v2/alerts", good, bearer=key) == 200
    assert asker.ask("POST", f"/in/{key}/api/v2/alerts", good) == 200
    assert asker.ask("POST", f"/k/{key}/api/v2/alerts", f'[{{"labels": "{key}"'.encode()) == 400
    told = [ALERT | {"annotations": {"summary": f"sent with {key}"}}]
    assert asker.ask("POST", "/api/v2/alerts", json.dumps(told).encode(), bearer=key) == 200
    spelled = "".join(f"\\u{ord(c):04x}" for c in agent)
    event = '{"routing_key":"%s","event_action":"trigger","payload":{"summary":"x","source":"y",'
    event += '"severity":"critical","custom_details":{"service":"pay-db"}}}'
    assert asker.ask("POST", "/v2/enqueue", (event % spelled).encode()) == 202
    asker.ask("POST", "/v2/enqueue", f'{{"routing_key":"{agent}","event_action":1}}'.encode())
    asker.ask("GET", f"/k/{key}/nothing/here")
    asker.ask("PUT", f"/hook/{key}")
    asker.ask("GET", f"{own}/alerts?token={token}")
    asker.ask("GET", f"{own}/people/mara/calendar.ics?token={token}")
    asker.ask("POST", f"{own}/incidents/1/notes", b'{"text":', bearer=token)
    asker.ask("GET", f"/k/{token}/api/v2/alerts")
    asker.ask("POST", "/callbacks/sms", b"From=%2B1&Body=1", **{"X-Twilio-Signature": "x"})
    for path in ("/metrics", "/readyz", "/livez"):
        asker.ask("GET", path, bearer=token)
        asker.ask("GET", f"{path}?token={token}&key={key}")
    for path in ("alerts", "incidents/1", "people/mara/contacts", "signals", "record", "status"):
        asker.ask("GET", f"{own}/{path}", bearer=token)


def alarmed(install: Install, alarms: Provider, beats: Provider) -> bytes:
    """The watchdog has tried to be heard, and its heartbeat, in vain; its process's arguments."""
    beats.wait(1, within_s=30)
    with closing(sqlite3.connect(install.data / "mainstay.db", timeout=20)) as connection:
        connection.execute("DELETE FROM foundation_due WHERE kind = 'paging.step'")
        connection.commit()
    alarms.wait(2, within_s=30)
    sign = last_sign(install.data)
    assert sign is not None
    return Path(f"/proc/{sign.pid}/cmdline").read_bytes()


def reachable(install: Install, hook: Provider, push: Provider, slack: Provider) -> None:
    """Mara has an address of every kind."""
    hook_file = private(install.folder / "hook.secret", HOOK_SECRET)
    push_file = private(install.folder / "push.secret", f"{PUSH_SECRET}\nand a second line")
    install.says("contact", "add", "mara", "mail", "mara@mainstay.test")
    install.says("contact", "add", "mara", "sms", "+41790000000")
    install.says("contact", "add", "mara", "slack", f"{slack.url}/services/{SLACK_PATH}")
    install.says(
        "contact", "add", "mara", "webhook", f"{hook.url}/in", "--secret", f"file:{hook_file}"
    )
    install.says(
        "contact", "add", "mara", "ntfy", f"{push.url}/topic", "--secret", f"file:{push_file}"
    )


def device(install: Install, service: Provider) -> list[str]:
    """Mara has a browser that rings; what of it, and of our own key, nobody may be told."""
    browser, ring = Browser(), Ring(Keys(None, install.data, {}))
    install.says("contact", "add", "mara", "ntfy", f"{service.url}/a-place-taken")
    with closing(sqlite3.connect(install.data / "mainstay.db", timeout=20)) as connection:
        connection.row_factory = sqlite3.Row
        tx = Tx(connection)
        taken = tx.value("SELECT id FROM people_address WHERE address LIKE '%/a-place-taken'")
        tx.run(
            "UPDATE people_address SET kind = 'push', address = 'my phone' WHERE id = :id", id=taken
        )
        tx.run(
            "INSERT INTO people_device (address, endpoint, key, secret) VALUES (:id, :at, :key, :s)",
            id=taken, at=f"{service.url}/send/{DEVICE_PATH}", key=browser.key,
            s=ring.seal(tx, browser.secret, Cell("people_device", "secret", taken)),
        )  # fmt: skip
        ours = ring.open(tx.value("SELECT private FROM paging_push_key"), paging.PUSH_KEY)
        connection.commit()
    return [DEVICE_PATH, browser.secret, ours]


def in_their_place(*secrets: str) -> set[str]:
    """Where a page goes is stored with the person: in the database alone."""
    return {f"{one} in mainstay.db{end}" for one in secrets for end in ("", "-wal")}


def failures(install: Install) -> int:
    """Pages that were tried and did not work."""
    pages = install.json("incidents", "INC-1")["pages"]
    return sum(page["answer"] is not None for page in pages)


def test_no_secret_stands_in_an_answer_a_log_or_the_data_folder(
    install: Install, world: World
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(install.folder / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    kinds = ("sms", "webhook", "ntfy", "slack", "webhook", "webhook", "push")
    sms, hook, push, slack, alarms, beats, service = (
        world.provider(k, works=repeat) for k in kinds
    )
    with PostOffice(mode="starttls", tls=tls, login=("mainstay", "another password")) as post:
        settings(install, post, sms, [hook, push, slack, service])
        install.start(
            "--estate", "estate", CANARY_SMTP=SMTP_PASSWORD, CANARY_SMS=SMS_TOKEN,
            CANARY_ALARM=ALARM_PASSWORD, CANARY_ALARM_SECRET=ALARM_SECRET,
            CANARY_ALARM_URL=f"{alarms.url}/hooks/{ALARM_PATH}",
            CANARY_BEAT_URL=f"{beats.url}/{BEAT_PATH}", PYTHONDEVMODE="1",
        )  # fmt: skip
        reachable(install, hook, push, slack)
        of_device = device(install, service)
        key, agent = (
            install.says("key", "create", one).strip() for one in ("prometheus", "agents")
        )
        token = install.json("token", "create", "ben", "--about", "canary")["token"]
        asker = Asker(install.port)
        careless(asker, key, agent, token)
        wait_until(lambda: failures(install) >= 6, within_s=30, what="every channel to fail")
        assert install.process is not None
        arguments = Path(f"/proc/{install.process.pid}/cmdline").read_bytes()
        watchdog = alarmed(install, alarms, beats)
        known = json.loads((install.data / "cli.json").read_text())["token"]
        links = {hit.json["ack_url"] for hit in hook.hits if hit.json.get("ack_url")}
        careless(asker, key, agent, token)
        install.stop()
    assert sms.hits
    assert links
    assert service.hits
    places = {path.name: path.read_bytes() for path in install.data.iterdir()}
    assert known.encode() in places.pop("cli.json")
    places |= {"log": install.log.encode(), "greeting": install.greeting.encode()}
    places |= {"answers": b"\n".join(asker.answers), "arguments": arguments}
    places |= {"the watchdog's arguments": watchdog}
    assert "the webhook could not be reached" in install.log
    assert "the heartbeat was refused" in install.log
    secrets = [
        SMTP_PASSWORD,
        SMS_TOKEN,
        HOOK_SECRET,
        PUSH_SECRET,
        SLACK_PATH,
        ALARM_PASSWORD,
        ALARM_SECRET,
        ALARM_PATH,
        BEAT_PATH,
        key,
        agent,
        token,
        known,
    ]
    secrets.append((install.folder / "data.key").read_text().strip())
    secrets += [*of_device, *(link.rpartition("/")[2] for link in links)]
    found = {
        f"{secret} in {name}"
        for secret in secrets
        for name, text in places.items()
        if any(form in text for form in forms(secret))
    }
    assert found - in_their_place(SLACK_PATH, DEVICE_PATH) == set()


def test_the_password_of_a_postgresql_stands_nowhere_not_even_when_it_is_gone(
    install: Install,
) -> None:
    (install.folder / "mainstay.toml").write_text(
        'log_level = "debug"\ndatabase_password = "env:CANARY_PG"\n'
        "[watchdog]\nevery_s = 0.5\ngrace_s = 0.5\n"
    )
    with Cluster.made() as cluster:
        cluster.create("canary")
        install.start(MAINSTAY_DATABASE=cluster.url_by_tcp("canary"), CANARY_PG=PASSWORD)
        sign = wait_until(lambda: last_sign(install.data), within_s=20, what="the watchdog")
        assert sign is not None
        assert install.process is not None
        asker, token = Asker(install.port), json.loads((install.data / "cli.json").read_text())
        cluster.stop(mode="immediate")
        for path in ("/metrics", "/readyz", "/mainstay/v1/status"):
            assert asker.ask("GET", path, bearer=token["token"]) == 503
        wait_until(
            lambda: "The watchdog cannot read the database" in install.log,
            within_s=30, what="the watchdog to notice",
        )  # fmt: skip
        arguments = [
            Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (install.process.pid, sign.pid)
        ]
        install.stop()
    places = [path.read_bytes() for path in install.data.iterdir()]
    places += [install.log.encode(), install.greeting.encode(), *asker.answers, *arguments]
    assert not [form for form in forms(PASSWORD) for text in places if form in text]
