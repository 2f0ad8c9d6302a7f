"""How much one client may ask of us (PROMISES P16): every bound in one place, with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one listening door. Bytes, seconds and counts, as the names say."""

    body_bytes: int = 1024 * 1024
    """Of a request body, on the wire and again after decompression."""
    ratio: int = 100
    """Decompressed bytes for each byte on the wire."""
    depth: int = 64
    """Nesting of a JSON document."""
    keys: int = 10_000
    """Keys in a JSON document, all levels counted."""
    header_bytes: int = 16 * 1024
    """Request line and headers together."""
    header_s: float = 10.0
    """From the first moment of a request (or connection) to the end of its headers."""
    body_s: float = 30.0
    """From the end of the headers to the end of the body; also how long we wait for a client that
    does not read our answer."""
    idle_s: float = 15.0
    """Between two requests of one connection."""
    connections: int = 1000
    """Open at once."""
