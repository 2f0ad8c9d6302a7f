"""Is a body read as it was meant, and never beyond its limits? (P16, P17)"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterable
from typing import Any

import pytest

from mainstay.foundation.errors import Invalid, OverLimit
from mainstay.foundation.limits import Limits
from mainstay.web import read_body

LIMITS = Limits(body_bytes=100_000)
TEXT = b'{"labels": {"alertname": "ReplicaLag"}}' * 20


def read(
    *chunks: bytes, headers: Iterable[tuple[bytes, bytes]] = (), end: bool = True
) -> tuple[bytes, int]:
    """The body, and how many messages were taken to read it."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    if end:
        messages[-1]["more_body"] = False
    else:
        messages.append({"type": "http.disconnect"})
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return messages[taken - 1]

    return asyncio.run(read_body(receive, list(headers), limits=LIMITS)), taken


def encoded(name: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-encoding", name)]


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("chunks", [[TEXT], [TEXT[:9], b"", TEXT[9:]], [b"", TEXT]])
def test_a_body_comes_whole_however_it_is_cut(chunks: list[bytes]) -> None:
    assert read(*chunks)[0] == TEXT


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (b"gzip", gzip.compress(TEXT)),
        (b"GZip ", gzip.compress(TEXT)),
        (b"x-gzip", gzip.compress(TEXT)),
        (b"gzip", gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:])),
        (b"deflate", zlib.compress(TEXT)),
        (b"deflate", raw_deflate(TEXT)),
        (b"identity", TEXT),
        (b"", TEXT),
    ],
)
def test_each_encoding_that_clients_use_is_unpacked(name: bytes, body: bytes) -> None:
    assert read(body, headers=encoded(name))[0] == TEXT


@pytest.mark.parametrize("name", [b"br", b"zstd", b"gzip, gzip", b"compress", b"\xff\x00"])
def test_an_encoding_that_we_do_not_know_is_a_415(name: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        read(TEXT, headers=encoded(name))
    assert caught.value.facts["http_status"] == 415


def test_two_encoding_headers_are_two_encodings() -> None:
    with pytest.raises(Invalid, match="not one that we read"):
        read(TEXT, headers=encoded(b"gzip") + encoded(b"gzip"))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (b"gzip", b""),
        (b"gzip", b"\x1f\x8b"),
        (b"gzip", TEXT),
        (b"gzip", gzip.compress(TEXT)[:-1]),
        (b"gzip", gzip.compress(TEXT)[:-5] + b"12345"),
        (b"gzip", gzip.compress(TEXT) + b"garbage"),
        (b"deflate", b""),
        (b"deflate", zlib.compress(TEXT)[:-3]),
        (b"deflate", zlib.compress(TEXT) + b"garbage"),
        (b"deflate", b"\xff" * 100),
    ],
)
def test_a_damaged_body_is_invalid_and_never_half_read(name: bytes, body: bytes) -> None:
    with pytest.raises(Invalid):
        read(body, headers=encoded(name))


def over_limit(*chunks: bytes, headers: list[tuple[bytes, bytes]], **facts: Any) -> OverLimit:
    with pytest.raises(OverLimit) as caught:
        read(*chunks, headers=headers, **facts)
    assert caught.value.http_status == 413
    return caught.value


def test_an_announced_length_is_refused_before_anything_is_read() -> None:
    messages_read = 0

    async def receive() -> dict[str, Any]:
        nonlocal messages_read
        messages_read += 1
        return {"type": "http.request", "body": b"", "more_body": False}

    for length in (b"100001", b"9" * 30):
        with pytest.raises(OverLimit):
            asyncio.run(read_body(receive, [(b"content-length", length)], limits=LIMITS))
    assert messages_read == 0


def test_the_limit_itself_is_allowed_and_one_byte_more_is_not() -> None:
    assert len(read(b"x" * 100_000)[0]) == 100_000
    over_limit(b"x" * 100_001, headers=[])
    assert len(read(b"x" * 60_000, b"x" * 40_000)[0]) == 100_000
    over_limit(b"x" * 60_000, b"x" * 40_001, headers=[])


def test_reading_stops_at_the_chunk_that_passes_the_limit() -> None:
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 30_000, "more_body": True}

    with pytest.raises(OverLimit):
        asyncio.run(read_body(receive, [], limits=LIMITS))
    assert taken == 4


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw_deflate])
@pytest.mark.parametrize("plain_bytes", [20_000, 99_000, 100_001, 50_000_000])
def test_a_bomb_is_refused_by_its_ratio_or_by_its_size(pack: Any, plain_bytes: int) -> None:
    name = b"gzip" if pack is gzip.compress else b"deflate"
    over_limit(pack(b"\0" * plain_bytes), headers=encoded(name))


def test_a_bomb_in_many_members_is_a_bomb() -> None:
    member = gzip.compress(bytes(range(256)) * 8)
    over_limit(member * 60, headers=encoded(b"gzip"))


def test_a_body_of_thousands_of_empty_members_is_invalid() -> None:
    with pytest.raises(Invalid, match="members"):
        read(gzip.compress(b"") * 4000, headers=encoded(b"gzip"))


def test_a_bomb_costs_no_more_memory_than_the_limit() -> None:
    asked: list[int] = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self, bits: int) -> None:
            self.stream = real(bits)

        def decompress(self, data: bytes, max_length: int) -> bytes:
            asked.append(max_length)
            return self.stream.decompress(data, max_length)

        @property
        def eof(self) -> bool:
            return self.stream.eof

        @property
        def unused_data(self) -> bytes:
            return self.stream.unused_data

    bomb = gzip.compress(b"\0" * 20_000_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zlib, "decompressobj", Watched)
        over_limit(bomb, headers=encoded(b"gzip"))
    assert asked == [LIMITS.body_bytes + 1]


def test_a_client_that_hangs_up_half_way_is_told_to_the_caller() -> None:
    with pytest.raises(Invalid, match="closed before"):
        read(b"half", end=False)


@pytest.mark.parametrize("length", [b"", b"-1", b"1e3", b"5,5", b"\xb2"])
def test_a_length_that_is_no_number_is_invalid(length: bytes) -> None:
    with pytest.raises(Invalid):
        read(TEXT, headers=[(b"content-length", length)])
