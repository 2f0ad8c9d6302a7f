"""What every connector over HTTP needs: the request with who asks, its answer, what is refused."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlencode

from mainstay.estate.collections import Telemetry
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Refused, Rejected
from mainstay.foundation.secrets import redactor, resolve
from mainstay.telemetry.connectors.port import Capability

ANSWER_BYTES_MAX = 32 << 20
"""A larger answer is refused: ask for a shorter time, fewer series or lines."""
WORDS_MAX = 200
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A declared place, and the way there."""

    name: str
    declared: Telemetry
    egress: Egress
    environment: Mapping[str, str]

    def label(self, otherwise: str) -> str:
        """The label that names services there."""
        return self.declared.label or otherwise

    def called(self, service: str) -> str:
        """What that label says of a service of the estate."""
        return self.declared.names.get(service, service)

    def service(self, called: str) -> str:
        """The estate's id of what is called so there."""
        return next((id_ for id_, text in self.declared.names.items() if text == called), called)

    async def ask(self, path: str, asked: Mapping[str, str]) -> Any:
        """The `data` of an answer in the envelope that Prometheus and Loki share. Outside if none."""
        headers, secret = self._proof()
        body = urlencode(asked).encode()
        reply = await self.egress.request(
            "POST", f"{self.declared.url.rstrip('/')}{path}", body=body, timeout_s=TIMEOUT_S,
            headers={"content-type": "application/x-www-form-urlencoded", **headers},
            bytes_max=ANSWER_BYTES_MAX,
        )  # fmt: skip
        if reply.cut:
            raise BadReply(
                f"{self.name} answers with more than {ANSWER_BYTES_MAX >> 20} MiB; ask for less."
            )
        try:
            answer = json.loads(reply.body)
        except (ValueError, RecursionError):
            answer = None
        if reply.status != 200 or not isinstance(answer, dict) or answer.get("status") != "success":
            told = answer.get("error") if isinstance(answer, dict) else None
            words = str(told or reply.body[:WORDS_MAX].decode("utf-8", "replace")).strip()
            words = redactor([secret] if secret else [])(words)[:WORDS_MAX]
            raise Rejected(
                f"{self.name} refuses the question (status {reply.status}): {words}",
                reply=reply.status,
            )
        return answer.get("data")

    def _proof(self) -> tuple[dict[str, str], str]:
        headers, secret = {}, ""
        if self.declared.tenant is not None:
            headers["x-scope-orgid"] = self.declared.tenant
        if self.declared.secret is not None:
            secret = resolve(self.declared.secret, environment=self.environment)
            user = self.declared.user
            headers["authorization"] = (
                f"Bearer {secret}" if user is None
                else "Basic " + b64encode(f"{user}:{secret}".encode()).decode()
            )  # fmt: skip
        return headers, secret


def cannot(name: str, capability: Capability) -> NoReturn:
    """Refuse what a place has no answer for."""
    raise Refused(f"{name} has no {capability.value} to ask for.")


def quoted(text: str) -> str:
    """A text as a string of PromQL or LogQL: nothing in it is read as more than itself."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
