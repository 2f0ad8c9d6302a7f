"""What a diff does to a running system, in the few ways in which changes break things.

An effect is read from the lines alone, never from the message: messages say what somebody meant.
Each names the kind of trouble that it can make; a change whose effects fit no trouble that is seen
is not the cause, however near in time it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FACTOR = 2.0
"""A number that changed by less than this factor is tuning, not a cause."""
LOOP_LINES = 4
"""A call so many added lines below an added loop is in it."""

_UNITS_MS = {"ms": 1.0, "millisecond": 1.0, "s": 1e3, "second": 1e3, "m": 6e4, "minute": 6e4,
             "h": 3.6e6, "hour": 3.6e6}  # fmt: skip
_NUMBER = re.compile(
    r"(\d+(?:\.\d+)?)\s*\*?\s*(?:time\.)?"
    r"(milliseconds?|seconds?|minutes?|hours?|ms|s|m|h)?\b", re.I,
)  # fmt: skip
_GUARD = re.compile(
    r"if\s*\(?\s*!?([\w.\[\]]+)\s*(?:==|!=|===|!==|is|is not)\s*(?:nil|null|None|undefined)"
)
_ERROR_NAMES = ("err", "error", "e", "ex")
_LOOP = re.compile(r"^\s*(?:for|while)\b|\.forEach\(|\.map\(|\.each\b")
_REMOTE = re.compile(
    r"\.(?:Get|Fetch|Query|Find|Load|Exec|Call|Do|Select|Lookup|List)\w*\(|await |requests\.|http\.",
    re.I,
)
_GLOBAL_STORE = re.compile(
    r"^(?:var|let|const|static)?\s*\w+\s*(?::=|=|\w*)\s*(?:\[\]|map\[|make\(|new (?:Array|Map|HashMap|ArrayList)|\{\}|dict\(|list\()|^var \w+ (?:\[\]|map\[)"
)
_BOUNDED = re.compile(r"\blru\b|evict|max(?:size|entries|len)|bounded|ttl|\.clear\(|delete\(", re.I)
_QUOTED = re.compile(r"[\"']([A-Za-z_]\w*)(?:,\w+)?[\"']")
_LOGGING = re.compile(r"\blog(?:ger)?\b|\.(?:Info|Warn|Debug|Error)f?\(|print", re.I)
_LOCKS = re.compile(r"\bLock\(\)|FOR UPDATE|LOCK TABLE|synchronized|Mutex|acquire\(", re.I)
_CLOSES = re.compile(r"\.(?:Close|close|Release|release|dispose)\(")
_SPAWNS = re.compile(r"\bgo func|\bgo \w+\(|Thread\(|threading\.|create_task\(|executor\.submit")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does, the trouble that it can make, and names that would appear in it."""

    sentence: str
    trouble: re.Pattern[str]
    names: tuple[str, ...] = ()


def effects(diff: str) -> list[Effect]:
    """The effects of a diff; none for one that only moves or renames code."""
    removed, added = _lines(diff, "-"), _lines(diff, "+")
    found = (reader(removed, added) for reader in _READERS)
    return [one for one in found if one]


def _lines(diff: str, sign: str) -> list[str]:
    return [
        line[1:].strip()
        for line in diff.splitlines()
        if line.startswith(sign) and not line.startswith(sign * 3)
        and not line[1:].strip().startswith(("//", "#", "*", "--"))
    ]  # fmt: skip


def _numbers(lines: Sequence[str], words: str) -> list[float]:
    """The largest number of each line that holds one of the words, times in milliseconds."""
    found = []
    for line in lines:
        if re.search(words, line, re.I):
            values = [
                float(number) * _UNITS_MS.get(unit.lower().rstrip("s") or unit.lower(), 1.0)
                for number, unit in _NUMBER.findall(line)
            ]
            found += [max(values)] if values else []
    return found


def _moved(removed: Sequence[str], added: Sequence[str], words: str) -> float:
    """By which factor a number beside one of the words changed; 1.0 if none did."""
    was, now = _numbers(removed, words), _numbers(added, words)
    if not was or not now or not was[0]:
        return 1.0
    return now[0] / was[0]


def _timeout(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    factor = _moved(removed, added, r"timeout|deadline|budget|WithTimeout|keep.?alive")
    if factor > 1 / FACTOR:
        return None
    return Effect(
        f"it gives calls {1 / factor:.0f} times less time",
        re.compile(r"deadline|time.?out|timed out|cancel", re.I),
    )


def _lifetime(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    factor = _moved(removed, added, r"ttl|expir|max.?age|lifetime|cache")
    if factor > 1 / FACTOR:
        return None
    return Effect(
        f"it lets what is cached live {1 / factor:.0f} times shorter",
        re.compile(r"cache|hit.?ratio|miss|slow query|quer|cpu", re.I),
    )


def _limit(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    words = r"pool|max.?(?:conn|open|idle|size|workers)|limit|concurrency|workers|threads|replicas|heap|memory|batch|prefetch"
    factor = _moved(removed, added, words)
    if 1 / FACTOR < factor < FACTOR:
        return None
    how = f"{factor:.0f} times larger" if factor > 1 else f"{1 / factor:.0f} times smaller"
    return Effect(
        f"it makes a limit {how}",
        re.compile(
            r"pool|exhaust|saturat|too many|queue|reject|overload|OOM|memory|throttl|connection"
            r"|rate.?limit|429", re.I,
        ),
    )  # fmt: skip


def _guard(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    after = " ".join(added)
    gone = [
        name
        for line in removed
        for name in _GUARD.findall(line)
        if name not in _ERROR_NAMES
        and not re.search(_GUARD.pattern.replace(r"([\w.\[\]]+)", re.escape(name)), after)
    ]
    if not gone:
        return None
    return Effect(
        f"it no longer checks whether {gone[0]} is there",
        re.compile(r"nil|null|None(?:Type)?|panic|deref|undefined|out of range|segfault", re.I),
        (gone[0].rpartition(".")[2],),
    )


def _loop(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    for index, line in enumerate(added):
        if _LOOP.search(line) and any(
            _REMOTE.search(each) and each not in removed
            for each in added[index + 1 : index + 1 + LOOP_LINES]
        ):
            return Effect(
                "it makes a call for each item of a list",
                re.compile(r"slow|exceed|SELECT|quer|latency|duration|time.?out|N\+1|qps", re.I),
            )
    return None


def _unbounded(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    limited = re.compile(r"\bLIMIT\s+\S+|\.limit\(|page_?size|per_page|first:\s*\d", re.I)
    if not any(limited.search(line) for line in removed):
        return None
    if any(limited.search(line) for line in added):
        return None
    return Effect(
        "it asks for everything, where it asked for the first few",
        re.compile(r"slow|quer|latency|duration|time.?out|memory|OOM|exceed", re.I),
    )


def _growth(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    text = "\n".join(added)
    grows = re.search(r"append\(|\.push\(|\.add\(|\.put\(|\[\w+\]\s*=|\+=", text)
    if not grows or _BOUNDED.search(text) or not any(_GLOBAL_STORE.search(line) for line in added):
        return None
    return Effect(
        "it keeps more with every request and lets nothing go",
        re.compile(r"OOM|out of memory|memory|heap|\bGC\b|rss", re.I),
    )


def _louder(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    level = re.compile(r"level\w*\W+(?:debug|trace|all)\b|(?:debug|verbose)\W+true", re.I)
    louder = any(level.search(line) for line in added) and not any(
        level.search(line) for line in removed
    )
    if not louder and _moved(removed, added, r"sampl\w*") < FACTOR:
        return None
    return Effect(
        "it writes far more log than before",
        re.compile(r"disk|space left|volume|log|inode|filesystem", re.I),
    )


def _renamed(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    was, now = (
        {name for line in lines if not _LOGGING.search(line) for name in _QUOTED.findall(line)}
        for lines in (removed, added)
    )
    gone, new = sorted(was - now), sorted(now - was)
    if not gone or not new:
        return None
    return Effect(
        f"it calls “{gone[0]}” “{new[0]}” from now on",
        re.compile(
            r"field|mapping|deserial|unmarshal|decod|schema|parse|unknown|missing|column|not found"
            r"|40[04]|no such|key", re.I,
        ),
        (*gone, *new),
    )  # fmt: skip


def _locked(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    if sum(map(_has(_LOCKS), added)) <= sum(map(_has(_LOCKS), removed)):
        return None
    return Effect(
        "it takes a lock that it did not take before",
        re.compile(r"lock|deadlock|contention|blocked|waiting|time.?out", re.I),
    )


def _unclosed(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    if sum(map(_has(_CLOSES), removed)) <= sum(map(_has(_CLOSES), added)):
        return None
    return Effect(
        "it no longer closes what it opens",
        re.compile(r"too many|open files|exhaust|connection|pool|leak|descriptor", re.I),
    )


def _retries(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    if _moved(removed, added, r"retr(?:y|ies)|attempts") < FACTOR:
        return None
    return Effect(
        "it tries again far more often",
        re.compile(r"retr|storm|overload|429|throttl|rate.?limit|saturat|queue", re.I),
    )


def _identity(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    words = re.compile(r"cert|tls|verify|issuer|audience|scope|role|permission|secret|token", re.I)
    if not any(map(_has(words), removed)) or not any(map(_has(words), added)):
        return None
    return Effect(
        "it changes who is trusted, or how",
        re.compile(r"x509|certificate|unauthori|forbidden|40[13]|tls|handshake|signature", re.I),
    )


def _spawned(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    if sum(map(_has(_SPAWNS), added)) <= sum(map(_has(_SPAWNS), removed)):
        return None
    return Effect(
        "it starts threads or tasks that it did not start before",
        re.compile(r"goroutine|thread|task|memory|OOM|race|concurrent|cpu", re.I),
    )


def _no_index(removed: Sequence[str], added: Sequence[str]) -> Effect | None:
    if not any(re.search(r"DROP INDEX", line, re.I) for line in added):
        return None
    return Effect(
        "it drops an index of the database",
        re.compile(r"slow|quer|latency|scan|cpu|time.?out", re.I),
    )


def _has(words: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda line: bool(words.search(line))


_READERS: tuple[Callable[[Sequence[str], Sequence[str]], Effect | None], ...] = (
    _timeout, _lifetime, _limit, _guard, _loop, _unbounded, _growth, _louder, _renamed, _locked,
    _unclosed, _retries, _identity, _spawned, _no_index,
)  # fmt: skip
