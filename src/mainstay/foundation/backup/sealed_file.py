r"""A file encrypted by a passphrase, readable from any place in it.

    "mainstay-sealed-1\n" · salt (16) · nonce prefix (7) · chunks

The key is scrypt(passphrase, salt). The content is cut into chunks of 64 KiB, each sealed by
AES-256-GCM under the nonce prefix · number (4 bytes) · 1 for the last chunk, else 0; what is
authenticated beside it is the head of the file. So chunks cannot be changed, swapped or left out,
and a file that was cut off is found when it is opened (the STREAM construction, Hoang et al. 2015).
"""

from __future__ import annotations

import io
import os
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from mainstay.foundation.errors import Corrupt, Invalid

MAGIC = b"mainstay-sealed-1\n"
CHUNK_BYTES = 64 * 1024
_SALT_BYTES, _PREFIX_BYTES, _TAG_BYTES = 16, 7, 16
_HEAD_BYTES = len(MAGIC) + _SALT_BYTES + _PREFIX_BYTES
SCRYPT_COST, SCRYPT_BLOCK = 2**15, 8
"""32 MiB and about 0.1 s for each guess."""


class SealedWriter(io.RawIOBase):
    """What is written goes encrypted into `out`. Only `close` writes the last chunk."""

    def __init__(self, out: IO[bytes], passphrase: str) -> None:
        self._out = out
        head = MAGIC + os.urandom(_SALT_BYTES + _PREFIX_BYTES)
        self._cipher = _Cipher(head, passphrase)
        self._pending = bytearray()
        self._number = 0
        out.write(head)

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        """Takes all of it."""
        piece = memoryview(content)  # type: ignore[arg-type]
        self._pending += piece
        while len(self._pending) > CHUNK_BYTES:  # the last chunk stays back until it is known
            self._seal(CHUNK_BYTES, last=False)
        return piece.nbytes

    def close(self) -> None:
        """Write the last chunk; `out` stays open."""
        if not self.closed:
            self._seal(len(self._pending), last=True)
        super().close()

    def _seal(self, length: int, *, last: bool) -> None:
        chunk = bytes(self._pending[:length])
        del self._pending[:length]
        self._out.write(self._cipher.seal(chunk, self._number, last=last))
        self._number += 1


class SealedReader(io.RawIOBase):
    """The content of an encrypted file, from any place. Invalid when the passphrase is another."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        self._file = file
        sealed_bytes = file.seek(0, os.SEEK_END) - _HEAD_BYTES
        file.seek(0)
        self._cipher = _Cipher(file.read(_HEAD_BYTES), passphrase)
        step = CHUNK_BYTES + _TAG_BYTES
        self._chunks = max(1, -(-sealed_bytes // step))
        self._size = sealed_bytes - self._chunks * _TAG_BYTES
        self._place = 0
        self._held: tuple[int, bytes] = (-1, b"")
        try:
            self._chunk(0)
        except Corrupt:
            raise Invalid("This passphrase does not open the backup.") from None
        self._chunk(self._chunks - 1)  # whether its end was cut off

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The new place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: object) -> int:
        """As much as there is in one chunk; 0 at the end."""
        into = memoryview(buffer)  # type: ignore[arg-type]
        if self._place >= self._size:
            return 0
        number, within = divmod(self._place, CHUNK_BYTES)
        piece = self._chunk(number)[within : within + into.nbytes]
        into[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            step = CHUNK_BYTES + _TAG_BYTES
            self._file.seek(_HEAD_BYTES + number * step)
            sealed = self._file.read(step)
            last = number == self._chunks - 1
            self._held = (number, self._cipher.open(sealed, number, last=last))
        return self._held[1]


def is_sealed(file: IO[bytes]) -> bool:
    """Whether this is an encrypted one."""
    file.seek(0)
    return file.read(len(MAGIC)) == MAGIC


class _Cipher:
    """One file's key and nonces."""

    def __init__(self, head: bytes, passphrase: str) -> None:
        salt = head[len(MAGIC) : len(MAGIC) + _SALT_BYTES]
        self._head, self._prefix = head, head[-_PREFIX_BYTES:]
        kdf = Scrypt(salt=salt, length=32, n=SCRYPT_COST, r=SCRYPT_BLOCK, p=1)
        self._aead = AESGCM(kdf.derive(passphrase.encode("utf-8")))

    def seal(self, chunk: bytes, number: int, *, last: bool) -> bytes:
        return self._aead.encrypt(self._nonce(number, last), chunk, self._head)

    def open(self, sealed: bytes, number: int, *, last: bool) -> bytes:
        try:
            return self._aead.decrypt(self._nonce(number, last), sealed, self._head)
        except (InvalidTag, ValueError):
            words = f"The encrypted backup is damaged or cut off in its part {number + 1}."
            raise Corrupt(words) from None

    def _nonce(self, number: int, last: bool) -> bytes:
        return self._prefix + number.to_bytes(4, "big") + bytes([last])
