"""Do secrets stay secret?"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from mainstay.foundation.errors import Invalid
from mainstay.foundation.secrets import BLANK, digest, new_token, redactor, resolve, same

CANARY = 'c4n@ry/"é+zzz'


def private(path: Path, text: str, *, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return f"file:{path}"


def test_a_reference_to_a_variable_gives_its_value() -> None:
    assert resolve("env:WORD", environment={"WORD": "s3cret\n"}) == "s3cret"


@pytest.mark.parametrize(
    ("held", "secret"), [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), (" a \r\n", " a ")]
)
def test_a_reference_to_a_file_gives_its_text_without_the_line_end(
    tmp_path: Path, held: str, secret: str
) -> None:
    (tmp_path / "word").write_bytes(held.encode())
    (tmp_path / "word").chmod(0o400)
    assert resolve(f"file:{tmp_path}/word", environment={}) == secret


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o666])
def test_a_file_that_others_may_use_is_refused_with_the_command_that_closes_it(
    tmp_path: Path, mode: int
) -> None:
    reference = private(tmp_path / "word", "s3cret", mode=mode)
    with pytest.raises(Invalid, match=f"chmod 600 {tmp_path}/word") as caught:
        resolve(reference, environment={})
    assert "s3cret" not in caught.value.sentence


@pytest.mark.parametrize("held", ["", "\n", "  \n", "a\x00b"])
def test_an_empty_secret_is_refused(tmp_path: Path, held: str) -> None:
    with pytest.raises(Invalid, match=r"empty|NUL"):
        resolve(private(tmp_path / "word", held), environment={})
    with pytest.raises(Invalid, match=r"empty|NUL"):
        resolve("env:WORD", environment={"WORD": held})


@pytest.mark.parametrize("reference", ["s3cret", "env:", "file:word", "ENV:A", "env:A\n"])
def test_what_is_no_reference_is_refused_and_not_repeated(reference: str) -> None:
    with pytest.raises(Invalid, match="not a reference") as caught:
        resolve(reference, environment={})
    assert "s3cret" not in caught.value.sentence


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="WORD is not set"):
        resolve("env:WORD", environment={})
    with pytest.raises(Invalid, match="No such file"):
        resolve(f"file:{tmp_path}/word", environment={})


def test_only_a_small_regular_text_file_holds_a_secret(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    for name in ("pipe", "folder"):
        with pytest.raises(Invalid, match="not a file"):
            resolve(f"file:{tmp_path}/{name}", environment={})
    with pytest.raises(Invalid, match="larger"):
        resolve(private(tmp_path / "large", "x" * 70_000), environment={})
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "binary").chmod(0o600)
    with pytest.raises(Invalid, match="UTF-8"):
        resolve(f"file:{tmp_path}/binary", environment={})


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        json.dumps(CANARY),
        json.dumps(CANARY, ensure_ascii=False),
        quote(CANARY),
        quote(CANARY, safe=""),
        CANARY.encode().hex(),
        base64.b64encode(CANARY.encode()).decode(),
        base64.b64encode(f"u:{CANARY}".encode()).decode(),
        base64.b64encode(f"us:{CANARY}:x".encode()).decode(),
        base64.urlsafe_b64encode(f"use:{CANARY}".encode()).decode(),
    ],
)
def test_a_text_shows_a_secret_in_no_form(form: str) -> None:
    shown = redactor([CANARY])(f"before {form} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert BLANK in shown
    left = shown.replace(BLANK, "").removeprefix("before ").removesuffix(" after")
    assert len(left) <= 12  # what stood around it in base64


def test_of_two_secrets_that_overlap_no_tail_is_left() -> None:
    assert redactor(["hunter2", "hunter22"])("hunter22") == BLANK


def test_innocent_text_stays_as_it_is() -> None:
    assert redactor([CANARY, ""])("a page to ana") == "a page to ana"
    assert redactor([])("a page to ana") == "a page to ana"


def test_a_token_has_256_bits_and_a_prefix_that_scanners_find() -> None:
    token = new_token()
    body = token.removeprefix("mst_").upper()
    assert token.startswith("mst_")
    assert len(base64.b32decode(body + "=" * (-len(body) % 8))) == 32
    assert len({new_token() for _ in range(100)}) == 100


def test_a_digest_is_sha_256_in_hex() -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest("abc") == expected
    assert len(digest("\ud800")) == 64


def test_equal_texts_are_the_same_and_others_are_not() -> None:
    assert same("é", "é")
    assert not same("a", "b")
    assert not same("a", "aa")
