"""The one error tree. Whoever catches, catches a kind of cause, not a kind of room.

MainstayError            code MS-nnnn · one sentence for a person · facts
├ Refused                the asker must change something (4xx, exit 2); never logged as an error
│ ├ Invalid      400     the words are wrong; `pointer` says where
│ ├ Unknown      401     no key or token that we know
│ ├ Forbidden    403     says who may
│ ├ NotFound     404
│ ├ Conflict     409     true a moment ago, not now
│ └ OverLimit    413/429/503  a limit, in a unit; `retry_after_s` where waiting helps
├ Outside                the world failed; retrying is data. `permanent`: do not try again
│ ├ Unreachable ├ TimedOut ├ Rejected (status) └ BadReply
└ Broken                 we are wrong (5xx); Mainstay opens an incident about itself
  ├ Corrupt ├ Impossible ├ Stuck └ Outdated
"""

from __future__ import annotations

from typing import Any, ClassVar


class MainstayError(Exception):
    """Every error that we raise on purpose.

    `code` is stable and documented; `sentence` is for a person; `facts` are for a program and must
    never hold a secret. `retry_after_s` is set where the same request may succeed later.
    """

    code: ClassVar[str] = "MS-0000"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Error"

    def __init__(self, sentence: str, *, retry_after_s: float | None = None, **facts: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after_s = retry_after_s
        self.facts = facts


class Refused(MainstayError):
    """The asker must change something."""

    code, status, title = "MS-1000", 400, "Refused"


class Invalid(Refused):
    """The words are wrong. `pointer` (RFC 6901) or a `path:line:col` in `facts` says where."""

    code, status, title = "MS-1400", 400, "Invalid"

    def __init__(self, sentence: str, *, pointer: str = "", **facts: Any) -> None:
        super().__init__(sentence, **facts)
        self.pointer = pointer


class Unknown(Refused):
    """No key or token that we know; the caller must authenticate."""

    code, status, title = "MS-1401", 401, "Not authenticated"


class Forbidden(Refused):
    """Known, but not allowed. The sentence says who may."""

    code, status, title = "MS-1403", 403, "Not allowed"


class NotFound(Refused):
    """No such thing; where a near name exists, the sentence offers it."""

    code, status, title = "MS-1404", 404, "Not found"


class Conflict(Refused):
    """True a moment ago, not now (already resolved, already used, changed by someone else)."""

    code, status, title = "MS-1409", 409, "Conflict"


class OverLimit(Refused):
    """A limit was passed: `limit` in `unit`. 413 for a size, 429 for a rate, 503 for no room."""

    code, status, title = "MS-1429", 429, "Over a limit"

    def __init__(
        self,
        sentence: str,
        *,
        limit: float,
        unit: str,
        status: int = 429,
        retry_after_s: float | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(sentence, retry_after_s=retry_after_s, limit=limit, unit=unit, **facts)
        self.http_status = status


class Outside(MainstayError):
    """The world failed. `permanent` says that the same try cannot succeed later."""

    code, status, title = "MS-2000", 502, "The other side failed"

    def __init__(self, sentence: str, *, permanent: bool = False, **facts: Any) -> None:
        super().__init__(sentence, **facts)
        self.permanent = permanent


class Unreachable(Outside):
    """No connection was made: nothing can have been delivered."""

    code, title = "MS-2001", "Unreachable"


class TimedOut(Outside):
    """No answer in time: it may have been delivered all the same."""

    code, status, title = "MS-2002", 504, "Timed out"


class Rejected(Outside):
    """An answer that says no; `reply` is the other side's status."""

    code, title = "MS-2003", "Rejected"

    def __init__(self, sentence: str, *, reply: int, permanent: bool = False, **facts: Any) -> None:
        super().__init__(sentence, permanent=permanent, reply=reply, **facts)
        self.reply = reply


class BadReply(Outside):
    """An answer that we cannot read."""

    code, title = "MS-2004", "Bad reply"


class Broken(MainstayError):
    """We are wrong. Mainstay opens an incident about itself."""

    code, status, title = "MS-5000", 500, "Mainstay is at fault"


class Corrupt(Broken):
    """Stored state contradicts itself."""

    code, title = "MS-5001", "Corrupt"


class Impossible(Broken):
    """A state that the code rules out."""

    code, title = "MS-5002", "Impossible"


class Stuck(Broken):
    """No room to write, or no progress (full disk, I/O error, a lost database)."""

    code, status, title = "MS-5003", 503, "Stuck"


class Outdated(Broken):
    """A newer program has migrated the database: this one must end."""

    code, status, title = "MS-5004", 503, "Outdated"
