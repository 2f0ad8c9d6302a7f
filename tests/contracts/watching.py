"""A real server with its watchdog, a mail server and a webhook for the alarms, an outside heartbeat."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cli_serving import Install, kill_quietly

from fakes.postoffice import PostOffice
from fakes.world import Hit, World
from live import ESTATE
from mainstay.watchdog import Sign, last_sign
from peers import wait_until

ALARM_WITHIN_S = 30.0


class Watched:
    """One install whose alarms go to `post` and `hook`, whose heartbeat goes to `beats`."""

    def __init__(self, install: Install, post: PostOffice, world: World, url: str) -> None:
        self.install, self.post, self.url = install, post, url
        self.hook = world.provider("webhook")
        self.beats = world.provider("webhook")
        self.phone = world.provider("webhook")
        self._settings()

    def _settings(self) -> None:
        (self.install.folder / "estate").mkdir()
        (self.install.folder / "estate" / "estate.yaml").write_text(ESTATE)
        (self.install.folder / "mainstay.toml").write_text(
            f'[egress]\nallow = ["{self.phone.at}"]\n'
            "[watchdog]\nevery_s = 0.5\ngrace_s = 1\n"
            f'heartbeat_url = "{self.beats.url}/beat"\n'
            f'[watchdog.mail]\nhost = "127.0.0.1"\nport = {self.post.port}\nsecurity = "none"\n'
            'sender = "watchdog@mainstay.test"\nto = ["floor@mainstay.test"]\n'
            f'[watchdog.webhook]\nurl = "{self.hook.url}/alarm"\n'
        )

    def start(self, **more: str) -> None:
        """Serve; mara's phone is a webhook."""
        self.install.start("--estate", "estate", MAINSTAY_DATABASE=self.url, **more)
        self.install.says("contact", "add", "mara", "webhook", f"{self.phone.url}/mara")
        self.wait_for_beat()

    def incident(self) -> str:
        """An open incident that has paged mara and will page ben in ten minutes."""
        key = self.install.says("key", "create", "prometheus").strip()
        self.install.send_alert(key, service="pay-db")
        self.phone.wait(1, within_s=20)
        return str(self.install.json("incidents")["items"][0]["name"])

    def damage(self, sql: str) -> int:
        """Change the database behind the server's back; rows changed."""
        if self.url:
            with psycopg.connect(self.url, connect_timeout=10) as server:
                return server.execute(sql.encode()).rowcount
        with closing(sqlite3.connect(self.install.data / "mainstay.db", timeout=20)) as connection:
            changed = connection.execute(sql).rowcount
            connection.commit()
            return changed

    def alarm(self, *words: str, event: str = "alarm") -> dict[str, Any]:
        """The first alarm of this kind at the webhook that holds the words."""

        def look() -> dict[str, Any] | None:
            said = [hit.json for hit in self.hook.hits]
            fits = [
                one for one in said
                if one["event"] == f"watchdog.{event}" and all(w in one["text"] for w in words)
            ]  # fmt: skip
            return fits[0] if fits else None

        found = wait_until(look, within_s=ALARM_WITHIN_S, what=f"an {event} with {words}")
        assert found is not None
        return found

    def sign(self) -> Sign:
        """The newest sign of life."""
        found = wait_until(
            lambda: last_sign(self.install.data), within_s=ALARM_WITHIN_S, what="a sign of life"
        )
        assert found is not None
        return found

    def next_signs(self, count: int) -> None:
        """Until the watchdog has left this many signs more; it leaves two to four in a round."""
        for _ in range(count):
            before = self.sign().at
            wait_until(
                lambda before=before: self.sign().at > before,  # type: ignore[misc]
                within_s=ALARM_WITHIN_S, what="another sign of life",
            )  # fmt: skip

    def wait_for_beat(self) -> Hit:
        """The next ping of the heartbeat."""
        before = len(self.beats.hits)
        return self.beats.wait(before + 1, within_s=ALARM_WITHIN_S)[-1]


@contextmanager
def watched(install: Install, *, url: str = "") -> Iterator[Watched]:
    """Set up, not yet started; everything is ended at the end. `url`: a PostgreSQL database."""
    with World() as world, PostOffice() as post:
        try:
            yield Watched(install, post, world, url)
        finally:
            kill_quietly(install.process)


def fresh_install(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Install:
    """Nothing of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("MAINSTAY_")]:
        monkeypatch.delenv(name)
    return Install(folder, capsys)
