"""The phones of Alpenpay's people: a receiver of webhooks that checks who sent each page.

Each person's phone is a path of one small server (`/ana`). A page whose signature does not fit is
refused; a copy that comes again under the same key is taken and said to be one. What arrived is
also kept, a line each, in `pages.jsonl`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from mainstay.paging import channels

BODY_BYTES_MAX = 1_048_576


@dataclass(frozen=True, slots=True)
class Rang:
    """A page that arrived. `copy`: its key was seen before. `update`: news for a program, no page."""

    person: str
    subject: str
    ack_url: str | None
    key: str
    copy: bool
    update: bool


class Phones:
    """Listens on `port` (0: a free one) until closed. `OSError` when the port is taken."""

    def __init__(
        self, port: int, *, secret: str, journal: Path, now: Callable[[], datetime]
    ) -> None:
        self._secret = secret
        self._journal = journal
        self._now = now
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self.rang: SimpleQueue[Rang] = SimpleQueue()
        """What arrived and was not looked at yet."""
        phones = self

        class Ear(BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(min(size, BODY_BYTES_MAX))
                status = phones._take(self.path, dict(self.headers.items()), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the terminal belongs to the story."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Ear)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def url(self, person: str) -> str:
        """Where this person's pages go."""
        return f"http://127.0.0.1:{self.port}/{person}"

    def heard(self) -> list[Rang]:
        """What arrived since the last time, in order."""
        found = []
        while True:
            try:
                found.append(self.rang.get_nowait())
            except Empty:
                return found

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=2)

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """The status to answer: 401 for what Mainstay did not sign."""
        signature = headers.get("Mainstay-Signature", "")
        if not channels.verify(body, signature, secret=self._secret, now=self._now()):
            return 401
        page = json.loads(body)
        key = headers.get("Idempotency-Key", "")
        with self._lock:
            copy = key in self._seen
            self._seen.add(key)
            rang = Rang(
                person=path.strip("/"),
                subject=page["subject"],
                ack_url=page["ack_url"],
                key=key,
                copy=copy or bool(page["repeat"]),
                update=page.get("event") == "update",
            )
            with self._journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"to": rang.person, **page}) + "\n")
        self.rang.put(rang)
        return 204
