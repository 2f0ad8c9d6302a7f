"""A real `mainstay logs keep` in a process of its own, for tests to send to."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from mainstay.telemetry.store import Kept, KeptSamples, KeptSpan, KeptSpans, Record, Span, Wanted
from peers import free_port, wait_until

WITHIN_S = 60
KEY = "k" * 32
UNPROVED = ssl.create_default_context()
"""Only asked whether somebody is there; what the certificate proves is for other tests."""
UNPROVED.check_hostname, UNPROVED.verify_mode = False, ssl.CERT_NONE


class Running:
    """One `mainstay logs keep`, killed at the end."""

    def __init__(self, folder: Path, *more: str, is_tls: bool = False) -> None:
        self._scheme = "https" if is_tls else "http"
        self.folder, self.http, self.syslog = folder, free_port(), free_port()
        self._command = [
            sys.executable, "-m", "mainstay", "logs", "keep", "--folder", str(folder),
            "--listen", f"127.0.0.1:{self.http}", "--syslog", f"127.0.0.1:{self.syslog}", *more,
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_until(self.is_ready, within_s=WITHIN_S, what="the log store is ready")

    def is_ready(self) -> bool:
        assert self.process.poll() is None, "the log store ended"
        try:
            with urlopen(
                f"{self._scheme}://127.0.0.1:{self.http}/ready", timeout=5, context=UNPROVED
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def post(self, path: str, body: bytes, **headers: str) -> int:
        sent = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **headers}
        request = Request(f"http://127.0.0.1:{self.http}{path}", body, sent)
        try:
            with urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except HTTPError as refused:
            return refused.code

    def found(self, text: str) -> list[Record]:
        store = Kept(self.folder, only_ask=True)
        try:
            return store.search(Wanted(text=text))
        finally:
            store.close()

    def series(
        self, name: str, service: str = "", **labels: str
    ) -> Mapping[str, list[tuple[int, float]]]:
        store = KeptSamples(self.folder / "metrics", only_ask=True)
        try:
            return store.series(name, span=Span(service), labels=labels)
        finally:
            store.close()

    def spans(self, service: str) -> list[KeptSpan]:
        store = KeptSpans(self.folder / "traces", only_ask=True)
        try:
            return store.search(Span(service))
        finally:
            store.close()
