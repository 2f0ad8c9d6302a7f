"""ASGI in our words, and what a part of the application is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]
Respond = Callable[[Scope, Receive, Send], Awaitable[None]]


class Part(Protocol):
    """A part of the application that answers some paths itself."""

    def match(self, scope: Scope) -> Respond | None:
        """Who answers this request; None when it is no path of this part."""
        ...
