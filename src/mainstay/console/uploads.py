"""Forms with files (multipart/form-data, RFC 7578), read whole and within the limits of any body."""

from __future__ import annotations

import re
from typing import NamedTuple

from mainstay.foundation.errors import Invalid

PARTS_MAX = 100
_BOUNDARY = re.compile(r'boundary="?([!-~]{1,70}?)"?(?:;|$)')
_NAME = re.compile(r'\bname="([^"]*)"')
_FILE = re.compile(r'\bfilename="([^"]*)"')


class Upload(NamedTuple):
    """A file of a form. `name` is the sender's word; believe nothing of it."""

    name: str
    content: bytes


def read_multipart(
    body: bytes, content_type: str
) -> tuple[list[tuple[str, str]], dict[str, Upload]]:
    """The fields in order, and the files by field; a file field that was left empty is not there."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Invalid("This form cannot be read: it names no boundary.")
    pieces = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Invalid("This form ends too early.")
    if len(pieces) > PARTS_MAX:
        raise Invalid(f"A form has at most {PARTS_MAX} fields.")
    fields: list[tuple[str, str]] = []
    files: dict[str, Upload] = {}
    for piece in pieces[1:-1]:
        _read_part(piece, fields, files)
    return fields, files


def _read_part(
    piece: bytes, fields: list[tuple[str, str]], files: dict[str, Upload]
) -> None:  # fmt: skip
    head, blank, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    try:
        headers = head.decode()
        name, file = _NAME.search(headers), _FILE.search(headers)
        if not blank or name is None:
            raise Invalid("This form cannot be read: a field has no name.")
        if file is None:
            fields.append((name[1], content.decode()))
        elif file[1] or content:
            files[name[1]] = Upload(file[1], content)
    except UnicodeDecodeError:
        raise Invalid("This form is not plain UTF-8 text.") from None
