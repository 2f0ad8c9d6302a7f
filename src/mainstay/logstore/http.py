"""The HTTP side: OTLP, remote write, Loki's push and `_bulk` on one port, as bare ASGI. 2xx means on the disk."""

from __future__ import annotations

import asyncio
import logging
import zlib
from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from mainstay.foundation.errors import Invalid, MainstayError, NotFound, OverLimit, Refused, Unknown
from mainstay.foundation.secrets import same
from mainstay.logstore.intake import Intake
from mainstay.telemetry.formats import (
    bulk_reply,
    read_bulk,
    read_loki,
    read_otlp,
    read_otlp_metrics,
    read_otlp_traces,
    read_remote_write,
)
from mainstay.web import Receive, Scope, Send

log = logging.getLogger("mainstay.logstore")

BODY_MAX = 16 << 20
"""Bytes of a request, unpacked."""
RETRY_AFTER_S = 5
PROTOBUF = "application/x-protobuf"
DOORS = "/v1/logs, /v1/metrics, /v1/traces, /api/v1/write, /loki/api/v1/push and /_bulk"
ELASTIC = {
    "name": "mainstay", "cluster_name": "mainstay", "tagline": "You Know, for Search",
    "version": {"number": "8.17.0", "build_flavor": "default", "lucene_version": "9.12.0",
                "minimum_wire_compatibility_version": "7.17.0"},
}  # fmt: skip
"""What shippers ask of Elasticsearch before they send."""


class OtherTongue(Refused):
    """415: the sender falls back to what it spoke before."""

    status = 415


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes = b"{}"
    content_type: str = "application/json"
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class Doors:
    """The ASGI application. `key`: what senders must show, as Bearer or as the password of Basic;
    empty: anybody who reaches the port may send."""

    intake: Intake
    key: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answered(scope, receive)
        except MainstayError as error:
            answer = _refusal(error)
        except OSError as error:
            log.error("nothing can be kept: %s", error.strerror)
            words = f"The disk does not take it: {error.strerror}. Send it again."
            answer = _refusal(OverLimit(words, limit=0, unit="bytes", status=503))
        headers = [(b"content-type", answer.content_type.encode()),
                   (b"x-elastic-product", b"Elasticsearch")]  # fmt: skip
        if answer.retry_after_s:
            headers.append((b"retry-after", str(answer.retry_after_s).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, scope: Scope, receive: Receive) -> Answer:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        path, method = scope["path"].rstrip("/"), scope["method"]
        if method in ("GET", "HEAD") and path == "/ready":
            return Answer(200, b"ready\n", "text/plain")
        self._authenticate(headers)
        if method in ("GET", "HEAD") and path == "":
            return Answer(200, msgspec.json.encode(ELASTIC))
        _refuse_other_tongues(headers.get("content-type", ""))
        if method not in ("POST", "PUT"):
            raise NotFound(f"Nothing is at {path} for {method}.")
        body = _unpacked(await _body(receive), headers.get("content-encoding", ""))
        return await asyncio.to_thread(self._take, path, body, headers)

    def _authenticate(self, headers: Mapping[str, str]) -> None:
        scheme, _, words = headers.get("authorization", "").partition(" ")
        shown = words.strip()
        if scheme.lower() == "basic":
            try:
                shown = b64decode(shown, validate=True).decode("utf-8", "replace").partition(":")[2]
            except (Error, ValueError):
                shown = ""
        if self.key and not same(shown, self.key):
            raise Unknown("Send the key of this log store: Authorization: Bearer KEY.")

    def _take(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        intake, now_us = self.intake, self.intake.now_us()
        packed = PROTOBUF in headers.get("content-type", "")
        reader = intake.reader()
        if path.startswith("/v1/") and self._took_otlp(path, body, packed=packed):
            return Answer(200, b"" if packed else b"{}", PROTOBUF if packed else "application/json")
        if path in ("/api/v1/write", "/api/v1/push"):
            measured = read_remote_write(body, received_us=now_us, bytes_max=BODY_MAX)
            intake.keep_samples("remote write", measured)
            return Answer(204, b"")
        if path == "/loki/api/v1/push":
            taken = read_loki(
                body, packed=packed, reader=reader, received_us=now_us, bytes_max=BODY_MAX
            )
            intake.keep("loki", taken)
            return Answer(204, b"")
        if path == "/_bulk" or path.endswith("/_bulk"):
            taken, statuses = read_bulk(body, reader=reader, received_us=now_us)
            intake.keep("bulk", taken)
            return Answer(200, msgspec.json.encode(bulk_reply(statuses)))
        raise NotFound(f"No door is at {path}: {DOORS} are.")

    def _took_otlp(self, path: str, body: bytes, *, packed: bool) -> bool:
        intake, now_us = self.intake, self.intake.now_us()
        match path:
            case "/v1/logs":
                reader = intake.reader()
                intake.keep(
                    "otlp", read_otlp(body, packed=packed, reader=reader, received_us=now_us)
                )
            case "/v1/metrics":
                measured = read_otlp_metrics(body, packed=packed, received_us=now_us)
                intake.keep_samples("otlp metrics", measured)
            case "/v1/traces":
                traced = read_otlp_traces(body, packed=packed, received_us=now_us)
                intake.keep_spans("otlp traces", traced)
            case _:
                return False
        return True


def _refuse_other_tongues(content_type: str) -> None:
    """What comes to the right port in another protocol is told which one to speak."""
    if content_type.startswith("application/grpc"):
        raise Refused(
            "gRPC is not spoken here: set the sender to OTLP over HTTP (http/protobuf), same port."
        )
    if "io.prometheus.write.v2" in content_type:
        raise OtherTongue("Remote write 2 is not spoken here; version 1 is.")


async def _body(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise Invalid("The sender went away within its body.")
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_MAX:
            raise _too_large()
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity", "snappy"):
        return body
    if encoding != "gzip":
        raise Refused(f"Bodies packed as {encoding[:40]} are not taken; gzip is.")
    unpack = zlib.decompressobj(wbits=31)
    try:
        found = unpack.decompress(body, BODY_MAX + 1)
    except zlib.error:
        raise Invalid("The body is no gzip.") from None
    if len(found) > BODY_MAX:
        raise _too_large()
    return found


def _too_large() -> OverLimit:
    words = f"A request may have {BODY_MAX >> 20} MiB, unpacked; send smaller ones."
    return OverLimit(words, limit=BODY_MAX, unit="bytes", status=413)


def _refusal(error: MainstayError) -> Answer:
    status = getattr(error, "http_status", error.status)
    body = msgspec.json.encode({"status": status, "code": error.code, "message": error.sentence})
    if status >= 500 and not isinstance(error, Refused):
        log.error("a request could not be kept: %s", error.sentence)
    return Answer(status, body, retry_after_s=RETRY_AFTER_S if status in (429, 503) else 0)
