"""What log lines say of the same things: sayings that name a mechanism, and lines that are
observations in words (a file that was read, a setting that was loaded, a plan, a rerun)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import re2

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.facts.fact import Fact, FactKind
from mainstay.diagnosis.facts.look import Look
from mainstay.diagnosis.material import Material, Phase
from mainstay.diagnosis.traces.span import Line

SAID = 0.85
HINTED = 0.6
"""Of words that have other causes too."""
MORE = 4.0
"""Said this many times more often than before, by rate, or not said before at all."""


@dataclass(frozen=True, slots=True)
class Saying:
    """Words that people know for one mechanism. `name` in the pattern is the thing; `of_callee`:
    the line speaks of whom it called, not of itself."""

    kind: str
    cause_class: CauseClass
    words: re.Pattern[str]
    sentence: str
    confirm: str
    score: float = SAID
    of_callee: bool = False
    of_vendors: bool = False


def _saying(kind: str, cause_class: CauseClass, words: str, sentence: str, confirm: str,
            score: float = SAID, *, of_callee: bool = False, of_vendors: bool = False) -> Saying:  # fmt: skip
    return Saying(kind, cause_class, re.compile(words, re.IGNORECASE), sentence, confirm, score,
                  of_callee, of_vendors)  # fmt: skip


_FILE = r"(?P<name>[\w.-]+\.(?:csv|xml|txt|dat|json|zip|gz|xlsx?|pgp|swi|mt\d+))"
_USER = r"""(?:user|account|as|principal)[ =:]+["']?(?P<name>[\w.@$-]+)"""
_TABLE = r"(?P<name>[a-z]+_[a-z_]+|[a-z]{3,})"
_QUEUE = r"(?:queue|topic|group|of|to|from)\s+(?P<name>[\w.-]{3,})"
SAYINGS = (
    _saying("file-late", CauseClass.DATA,
            rf"(?:waiting for|expected|missing|FileNotFoundException:?|still no|overdue).{{0,40}}?{_FILE}"
            r"(?=.*(?:not there|not (?:yet )?arrived|no such file|not found|overdue|late|missing|still no))",
            "The file {name} has not come.", "Ask who sends {name} whether and when it was sent."),
    _saying("file-empty", CauseClass.DATA,
            rf"{_FILE}(?::? (?:is empty|has no (?:rows|records)|contains no)|: 0 records)|(?<!\d)0 (?:rows|records|lines) (?:loaded|read|imported) from (?:\S*/)?(?P<name2>[\w.-]+)",
            "The file {name} came without a single record.", "Open {name}; ask its sender how many records they sent."),
    _saying("missing-reference-data", CauseClass.DATA,
            rf"no (?:entry|row|rate|record) in {_TABLE} for|reference data missing:? (?P<name2>\w+)"
            r"|lookup of \S+ in (?P<name3>\w+) returned no rows|no (?P<name4>\w+ rate) for",
            "{name} has no entry that {where} needs.", "Look for the run that loads {name}, and load it again."),
    _saying("full-file-system", CauseClass.SYSTEM, r"no space left on device|ENOSPC|disk (?:is )?full|disk quota exceeded",
            "A file system that {where} writes to is full.", "df, and df -i, on the machine of {where}."),
    _saying("clock-drift", CauseClass.SYSTEM, r"system clock wrong by|clock (?:is )?(?:off|skew(?:ed)?) (?:by|too)|time has been changed|clock skew too great",
            "The clock of {where} is wrong.", "chronyc tracking on {where}, beside another machine."),
    _saying("clock-drift", CauseClass.SYSTEM, r"issued .{0,20}in the future|used before issued|token .{0,30}not yet valid",
            "{where} gets tokens out of another time: a clock is wrong.", "chronyc tracking on the machines that issue and check them.", HINTED),
    _saying("heap-exhausted", CauseClass.SYSTEM, r"OutOfMemoryError|GC overhead limit|heap out of memory|out of memory: killed process|MemoryError",
            "{where} has used up its memory.", "A heap histogram of {where}; its collector's log."),
    _saying("blocked-session", CauseClass.SYSTEM, r"process holding the lock: (?P<name>\d+)|blocked by (?:session|process|pid) (?P<name2>\d+)",
            "Session {name} in {where} holds what others wait for.", "pg_blocking_pids in {where}; ask whose session {name} is before you end it."),
    _saying("blocked-session", CauseClass.SYSTEM, r"still waiting for \w+Lock|lock wait timeout exceeded|ORA-00054",
            "Sessions in {where} wait for a lock.", "pg_blocking_pids in {where}.", HINTED),
    _saying("pool-exhausted", CauseClass.CAPACITY,
            r"connection is not available, request timed out|pool ?exhausted|pool error timeout|remaining connection slots|too many (?:clients|connections)|QueuePool limit|no available connection",
            "{where} has lent out all the connections that it has.", "Who holds the connections, and for how long: more load, a leak, or a slow answer behind?"),
    _saying("stuck-queue", CauseClass.DATA, rf"^(?=.*(?:redeliver|delivery count|giving back|requeue|poison)).*?{_QUEUE}(?=.*(?:fail|error|cannot|delivery))",
            "A message of {name} fails again and again.", "Look at that message; set it aside, and let the rest go on."),
    _saying("stuck-queue", CauseClass.SYSTEM, r"(?:of|for|on) (?P<name>[\w.-]+) has no (?:active )?(?:members|consumers)|no consumers? (?:on|for) (?P<name2>[\w.-]+)",
            "Nobody takes from {name}.", "Is the consumer up, and in its group?"),
    _saying("expired-certificate", CauseClass.CONFIGURATION,
            r"certificate has expired|certificate expired|validity check failed|NotAfter|CertificateExpiredException|alert certificate expired",
            "The certificate of {where} has expired.", "openssl s_client against {where}.", of_callee=True),
    _saying("expired-password", CauseClass.CONFIGURATION,
            rf"(?:(?:password (?:authentication failed|has expired)|account (?:is )?(?:locked|expired)|data (?:532|533|701|773|775)|ORA-28001|ORA-28000|login failed|invalid credentials).*?{_USER})",
            "The account {name} may not sign in any more.", "Sign in as {name}; then who renews it."),
    _saying("dns-change", CauseClass.NETWORK, r"UnknownHost|name or service not known|no such host|NXDOMAIN|SERVFAIL|could not translate host name|name resolution|getaddrinfo",
            "The name of {where} cannot be resolved.", "dig {where} here and elsewhere; who changed the zone?", of_callee=True),
    _saying("firewall-change", CauseClass.NETWORK, r"connect(?:ion)? ?timed ?out|connect timeout|no ?route ?to ?host|network is unreachable|connection refused",
            "There is no way through to {where}.", "nc -vz to {where}; on the other side, does anything arrive?", of_callee=True),
    _saying("vendor-down", CauseClass.THIRD_PARTY, r"(?:http(?:/[\d.]+)?|status|code|answered|returned|response)[ :=]+50[0234]\b|\b50[0234] (?:internal|bad|service|gateway)|service unavailable|bad gateway|SYSTEM_UNAVAILABLE",
            "{where} answers with errors.", "Call them; degrade or queue what needs them until then.", of_callee=True, of_vendors=True),
    _saying("holiday-mistake", CauseClass.CONFIGURATION, r"is (?:a holiday|a business day|not a business day|no business day) in calendar|bank holiday.*skipped|calendar.*(?:closed|holiday).*(?:started|skipped)",
            "{where} goes by another calendar than its partners.", "The calendar that {where} uses, for today, beside the partner's."),
    _saying("daylight-saving-mistake", CauseClass.CONFIGURATION, r"(?:one|1) hour (?:early|late)|time ?zone data is|ran at the wrong hour|nonexistent local time|ambiguous local time",
            "{where} is an hour off.", "The time zone data of {where}, and their version."),
)  # fmt: skip


SAID_MAX = 400
"""Characters of a line that are read: what matters is said at its beginning."""
QUIET = ("INFO", "DEBUG", "TRACE")
"""Lines that say themselves that nothing is wrong name no mechanism."""
_MARKS = (  # RE2
    "not there", "arrived", "no such", "not found", "overdue", "late", "missing", "still no", "empty",
    "records", "rows", "no entry", "no rate", "no row", "no space", "enospc", "full", "quota", "clock",
    "time has", "future", "issued", "token", "memory", "overhead", "holding the lock", "blocked by",
    "still waiting", "lock wait", "ora-", "connection", "pool", "too many", "deliver", "giving back",
    "requeue", "poison", "members", "consumer", "certificate", "validity check", "notafter", "password",
    "account", "login failed", "credentials", "data ", "host", "nxdomain", "servfail", "resolution",
    "getaddrinfo", "timed out", "timedout", "timeout", "unreachable", "no route", r"\b50[0234]\b", "unavailable",
    "gateway", "calendar", "holiday", "hour", "zone", "local time",
)  # fmt: skip
_MARKED = re2.compile("(?i)" + "|".join(_MARKS))
"""A line without any of these is none of the sayings: looked for first, because it is quick."""


@dataclass(slots=True)
class _Heard:
    before: int = 0
    during: int = 0
    first: Line | None = None
    said_by: dict[str, int] = field(default_factory=dict)


def of_sayings(look: Look) -> Iterator[Hypothesis]:
    """A hypothesis for each thing that lines name, if they did not say so before."""
    heard: dict[tuple[int, str, str], _Heard] = {}
    good, bad = _usual(look.material), look.material.logs.get(Phase.DURING, ())
    for lines, is_bad in ((good, False), (bad, True)):
        for line in lines:
            if line.severity in QUIET:
                continue
            said = line.text[:SAID_MAX]
            if not _MARKED.search(said):
                continue
            for number, saying in enumerate(SAYINGS):
                found = saying.words.search(said)
                about = found and _about(saying, found, line, look)
                if about:
                    _count(heard.setdefault((number, *about), _Heard()), line, is_bad)
                    break
    share = _span(bad) / max(60.0, _span(good))
    for (number, where, name), one in sorted(heard.items()):
        if one.first and one.during > MORE * one.before * share:
            yield _hypothesis(SAYINGS[number], where, name, one)


def _usual(material: Material) -> tuple[Line, ...]:
    return (*material.logs.get(Phase.USUAL, ()), *material.logs.get(Phase.BEFORE, ()))


def _count(one: _Heard, line: Line, is_bad: bool) -> None:
    if is_bad:
        one.during += 1
        one.first = one.first if one.first and one.first.at_s <= line.at_s else line
        by = line.origin or line.where
        one.said_by[by] = one.said_by.get(by, 0) + 1
    else:
        one.before += 1


def _about(saying: Saying, found: re.Match[str], line: Line, look: Look) -> tuple[str, str] | None:
    """(where, name of the thing); None if it is about nobody that the saying is for."""
    name = next((value for value in found.groupdict().values() if value), "")
    where = line.origin or line.where
    if saying.of_callee:
        called = [one for one in sorted(look.names, key=len, reverse=True)
                  if one != where and re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", line.text)]  # fmt: skip
        if not called and (look.names or saying.of_vendors):
            return None
        where = called[0] if called else where
    if saying.of_vendors and where not in look.vendors:
        return None
    if not saying.of_vendors and saying.kind == "firewall-change" and where in look.vendors:
        return None
    return where, name


def _span(lines: Iterable[Line]) -> float:
    times = [one.at_s for one in lines if one.at_s]
    return max(times) - min(times) if times else 0.0


def _hypothesis(saying: Saying, where: str, name: str, one: _Heard) -> Hypothesis:
    assert one.first is not None
    who = ", ".join(sorted(one.said_by, key=lambda by: (-one.said_by[by], by))[:3])
    words = {"where": where, "name": name or where}
    return Hypothesis(
        where, saying.kind, saying.sentence.format_map(words), saying.cause_class, saying.score,
        (Evidence(f"{one.during} times since, {one.before} before: {one.first.text[:160]}", f"log of {who}"),),
        confirm=saying.confirm.format_map(words),
        since=datetime.fromtimestamp(one.first.at_s, UTC) if one.first.at_s else None,
        detail=name,
    )  # fmt: skip


# -- lines that are observations in words ----------------------------------------------------------

_Read = Callable[[re.Match[str], Line, datetime], Fact]


def _loaded(found: re.Match[str], line: Line, at: datetime) -> Fact:
    return Fact(
        found["node"] or line.origin, FactKind.SETTING, found["name"], {"value": found["value"]}, at
    )


def _file(found: re.Match[str], line: Line, at: datetime) -> Fact:
    values = {
        "rows": float(found["rows"]),
        "checksum": found["checksum"],
        "arrived_at": at.isoformat(),
    }
    return Fact(line.origin, FactKind.FILE, found["name"], values, at)


def _rerun(found: re.Match[str], line: Line, at: datetime) -> Fact:
    values = {
        "run": found["run"],
        "rerun_of": found["of"],
        "state": "running",
        "by": found["by"] or "",
    }
    return Fact(line.origin, FactKind.JOB, found["name"], values, at)


def _explained(found: re.Match[str], line: Line, at: datetime) -> Fact:
    values = {"mean_s": float(found["ms"]) / 1000, "plan": found["plan"].strip()}
    return Fact(line.origin, FactKind.STATEMENT, found["name"].strip()[:200], values, at)


OBSERVATIONS: tuple[tuple[str, re.Pattern[str], _Read], ...] = (
    ("config", re.compile(r"(?:node (?P<node>[\w@.-]+): )?config(?:uration)?\b.{0,20}?(?P<name>[\w-]+(?:\.[\w-]+)+)\s*=\s*(?P<value>\S+)"), _loaded),
    ("records read", re.compile(r"file (?P<name>[\w.-]+): (?P<rows>[1-9]\d*) records read, \w+ (?P<checksum>[0-9a-f]{6,})"), _file),
    ("rerun of", re.compile(r"job (?P<name>[\w.-]+) run (?P<run>\S+) started(?: by (?P<by>\w+))? as (?:a )?rerun of (?P<of>\S+)"), _rerun),
    ("plan:", re.compile(r"duration: (?P<ms>\d+(?:\.\d+)?) ms\s+plan:\s+Query Text: (?P<name>[^;]+);\s*(?P<plan>[A-Z][A-Za-z ]+ (?:on|using) \w+)"), _explained),
)  # fmt: skip
"""(what such a line has in it, for speed; its words; the fact)."""
_STARTED = re.compile(r"Starting (?P<name>[\w-]+) v?(?P<version>\d+\.\d+[\w.-]*)")


def observed_in(material: Material) -> list[Fact]:
    """Lines that are observations, as facts with the log as their source."""
    found: list[Fact] = []
    started: list[tuple[datetime, str, str]] = []
    for line in (*_usual(material), *material.logs.get(Phase.DURING, ())):
        text = line.text[:SAID_MAX]
        for mark, words, read in OBSERVATIONS:
            if mark in text and line.at_s and (match := words.search(text)):
                found.append(read(match, line, datetime.fromtimestamp(line.at_s, UTC)))
        if "Starting " in text and line.at_s and (match := _STARTED.search(text)):
            at = datetime.fromtimestamp(line.at_s, UTC)
            started.append((at, line.origin or match["name"], match["version"]))
    return found + _releases(started)


def _releases(started: list[tuple[datetime, str, str]]) -> list[Fact]:
    """A program that starts in another version than before was released."""
    found: list[Fact] = []
    versions: dict[str, str] = {}
    for at, service, version in sorted(started):
        known, versions[service] = versions.get(service, version), version
        if known != version:
            values: Mapping[str, str] = {"what": "started", "version": version}
            found.append(Fact(service, FactKind.CHANGE, "started", values, at))
    return found
