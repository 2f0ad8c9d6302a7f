"""Is a form with files read byte for byte, and refused when it is none?"""

from __future__ import annotations

import pytest

from mainstay.console.uploads import read_multipart
from mainstay.foundation.errors import Invalid

KIND = "multipart/form-data; boundary=XX"


def form(*parts: bytes) -> bytes:
    return b"".join(b"--XX\r\n" + part + b"\r\n" for part in parts) + b"--XX--\r\n"


def test_fields_and_files_come_out_as_they_went_in() -> None:
    content = bytes(range(256)) + b"\r\n--X\r\n\r\n"
    field = b'Content-Disposition: form-data; name="words"\r\n\r\nall \xc3\xbcber'
    file = b'Content-Disposition: form-data; name="a.shot"; filename="s.png"\r\nContent-Type: x\r\n\r\n'
    fields, files = read_multipart(form(field, file + content), KIND)
    assert fields == [("words", "all über")]
    assert files["a.shot"].name == "s.png"
    assert files["a.shot"].content == content


def test_a_file_field_that_was_left_empty_is_not_there() -> None:
    empty = b'Content-Disposition: form-data; name="a.shot"; filename=""\r\n\r\n'
    assert read_multipart(form(empty), KIND) == ([], {})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", KIND),
        (form(b"no header"), KIND),
        (form(b'Content-Disposition: form-data; name="x"\r\n\r\n\xff'), KIND),
        (form(b"")[:-8], KIND),
        (form(b""), "multipart/form-data"),
        (form(*[b'Content-Disposition: form-data; name="x"\r\n\r\n1'] * 200), KIND),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(Invalid):
        read_multipart(body, kind)
