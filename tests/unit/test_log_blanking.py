"""Is what must not be kept blanked, in texts and in blocks alike, and is the rest left as it was?"""

from __future__ import annotations

import pytest

from mainstay.foundation.errors import Invalid
from mainstay.telemetry.store import Blanks, Rule

SECRET = [
    ("paid with 4111 1111 1111 1111 by visa", "paid with [card] by visa"),
    ("paid with 5500-0000-0000-0004.", "paid with [card]."),
    ("amex 378282246310005 ok", "amex [card] ok"),
    ("pan=6011000990139424,", "pan=[card],"),
    ("mail to mara.lind@example.co.uk sent", "mail to [e-mail] sent"),
    ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer [token]"),
    ("password=hunter2&user=mara", "password=[secret]&user=mara"),
    ('{"password": "hunter2", "a": 1}', '{"password": "[secret]", "a": 1}'),
    ("api_key: 9f8e7d6c5b4a", "api_key: [secret]"),
    ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYXJhIn0.c2ln here", "got [token] here"),
    ("pushed with ghp_0123456789abcdefghijABCDEFGHIJ", "pushed with [token]"),
    ("key AKIAIOSFODNN7EXAMPLE used", "key [token] used"),
    ("dsn postgresql://shop:s3cret@db-1/shop", "dsn postgresql://[token]@db-1/shop"),
    ("-----BEGIN RSA PRIVATE KEY----- MIIEow -----END RSA PRIVATE KEY-----", "[token]"),
    ("cvv=123 checked", "cvv=[secret] checked"),
]
HARMLESS = [
    "order 4111111111111112 paid",  # the check digit is wrong
    "block blk_4111111111111111 received",
    "token expired",
    "password is required",
    "2026-03-01 00:00:00 tick 12",
    "trace 0000000000000000 ended",
    "secret: none",
    "the password was wrong for user mara",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "at 1772323200000000 µs",
]


@pytest.mark.parametrize(("text", "kept"), SECRET)
def test_what_must_not_be_kept_is_blanked(text: str, kept: str) -> None:
    assert Blanks().blank(text) == kept


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert Blanks().blank(text) == text


def test_a_block_is_blanked_as_its_lines_are() -> None:
    lines = [
        text for pair in zip(HARMLESS, [one for one, _ in SECRET], strict=False) for text in pair
    ]
    wanted = "\n".join(Blanks().blank(one) for one in lines) + "\n"
    assert Blanks().block(("\n".join(lines) + "\n").encode()).decode() == wanted


def test_broken_bytes_around_a_secret_hide_nothing() -> None:
    blanked = Blanks().block(b"\xff\xfe 4111111111111111 \x00 password=hunter2\n\xff\n")
    assert b"4111" not in blanked
    assert b"hunter2" not in blanked
    assert blanked.endswith(b"\n\xff\n")


def test_an_estate_adds_patterns_of_its_own() -> None:
    blanks = Blanks((Rule("customer", r"C-\d{6}"),))
    assert blanks.blank("served C-123456") == "served [customer]"
    assert blanks.block(b"a\nserved C-123456\n") == b"a\nserved [customer]\n"
    with pytest.raises(Invalid, match="broken"):
        Blanks((Rule("broken", "("),))
