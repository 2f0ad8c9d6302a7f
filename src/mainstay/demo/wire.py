"""HTTP to the demo's own server, as its clients speak it: one request, one answer, no cleverness."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any

from mainstay.foundation.errors import Rejected, Unreachable

TIMEOUT_S = 3.0
API = "/mainstay/v1"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wire:
    """One address on this machine. `bearer`: a token, or a source's key."""

    port: int
    bearer: str = field(default="", repr=False)

    def post(self, path: str, body: object) -> Json:
        """Post JSON; the JSON answer, empty when there is none."""
        return self._json("POST", path, json.dumps(body).encode())

    def get(self, path: str) -> Json:
        """The JSON at `path`. Unreachable when nobody answers, Rejected when it says no."""
        return self._json("GET", path)

    def delete(self, path: str) -> Json:
        """Delete what is at `path`."""
        return self._json("DELETE", path)

    def ping(self, path: str, words: str = "") -> None:
        """Call a heartbeat's URL, as a job does; `words`: what it has to say."""
        self._ask("POST", path, words.encode())

    def _json(self, method: str, path: str, body: bytes | None = None) -> Json:
        raw = self._ask(method, path, body)
        found = json.loads(raw) if raw.strip() else {}
        return found if isinstance(found, dict) else {"items": found}

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            raw = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"Port {self.port} does not answer: {error}.") from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            words = raw[:300].decode("utf-8", "replace")
            raise Rejected(f"{method} {path}: {answer.status} {words}", reply=answer.status)
        return raw
