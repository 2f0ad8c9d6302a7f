"""The first sentence of Today: is production safe, what is broken, who has it, what is due next.

Pure: a `Standing` in, a sentence out. The worst is said first, and only what the standing shows;
"safe" must be earned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.console import words
from mainstay.console.desk.now.standing import PROVEN_WITHIN, Open, Standing
from mainstay.console.desk.reader import Reader
from mainstay.foundation.clock import from_us


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state` a glyph; `about` the incident that the sentence links to, if one."""

    state: str
    short: str
    """Two words for the rail and the tabs: `at risk`."""
    sentence: str
    more: str
    about: Open | None = None

    @property
    def parts(self) -> tuple[str, str, str]:
        """The sentence before, in and after what links to the incident."""
        if self.about is None:
            return self.sentence, "", ""
        title = self.about.incident.title
        for words_ in (title, _lower(title), self.about.incident.name):
            before, found, after = self.sentence.partition(words_)
            if found:
                return before, found, after
        return "", self.sentence, ""


def verdict(standing: Standing, reader: Reader) -> Verdict:
    """The sentence, and a second one with the rest of what matters."""
    alone = [one for one in standing.open if not one.is_held]
    urgent_alone = [one for one in alone if one.is_urgent]
    gaps = [one for one in standing.duties if one.person is None and not one.gap_meant]
    more = _more(standing, reader)
    if standing.down:
        down = standing.down[0]
        sentence = (
            f"{down.kind.upper() if down.kind == 'sms' else down.kind.capitalize()} pages are "
            f"failing since {reader.times.short(down.since)}: whoever is reached by them alone "
            "does not hear of trouble."
        )
        return Verdict("crit", "pages fail", sentence, more)
    if urgent_alone:
        return Verdict("crit", "nobody has it", _alone(urgent_alone, reader), more, urgent_alone[0])
    if gaps:
        until = f" until {reader.times.short(gaps[0].until)}" if gaps[0].until else ""
        sentence = f"Nobody is on call for {gaps[0].schedule}{until}. Make an override now."
        return Verdict("crit", "on-call gap", sentence, more)
    if standing.quarantined:
        sentence = (
            f"{words.counted(standing.quarantined, 'signal')} could not be read and waits in "
            "quarantine: what it says is not seen."
        )
        return Verdict("warn", "at risk", sentence, more)
    urgent = [one for one in standing.open if one.is_urgent]
    if urgent:
        return Verdict("warn", "at risk", _held(urgent, reader), more, urgent[0])
    if alone:
        return Verdict("warn", "at risk", _alone(alone, reader), more, alone[0])
    if standing.open:
        return Verdict("run", "minor", _minor(standing.open, reader), more, standing.open[0])
    return _quiet(standing, reader, more)


def _alone(found: list[Open], reader: Reader) -> str:
    first = found[0]
    head = f"Nobody has {first.incident.name} yet, {_lower(first.incident.title)}"
    if len(found) > 1:
        head = f"Nobody has {len(found)} incidents yet; the most urgent is {first.incident.name}"
        head += f", {_lower(first.incident.title)}"
    if first.next_page_at is not None:
        wait = words.age(first.next_page_at - reader.now)
        paged = f"{reader.name(first.paged)} was paged; " if first.paged else ""
        return f"{head}. {paged[:1].upper()}{paged[1:]}the next page goes out in {wait}."
    return f"{head}, and nothing more is planned to page for it."


def _held(urgent: list[Open], reader: Reader) -> str:
    first = urgent[0]
    what = f"{first.incident.title} ({reader.label(first.incident.priority)})"
    has = f"{reader.name(first.incident.acked_by)} has it"
    if first.held_until is not None:
        has += f" until {reader.times.short(first.held_until)}"
    if len(urgent) == 1:
        return f"Production is degraded. {what}: {has}."
    return f"Production is degraded by {len(urgent)} urgent incidents. {what}: {has}."


def _minor(found: tuple[Open, ...], reader: Reader) -> str:
    one = found[0].incident
    if len(found) == 1:
        return (
            f"Production is safe, with one minor incident: {_lower(one.title)}, "
            f"which {reader.name(one.acked_by)} has."
        )
    return f"Production is safe, with {len(found)} minor incidents; somebody has each of them."


def _quiet(standing: Standing, reader: Reader, more: str) -> Verdict:
    if standing.alerts_n > standing.alerts_silenced_n:
        n = standing.alerts_n - standing.alerts_silenced_n
        sentence = f"No incident is open, though {words.counted(n, 'alert')} still fires."
        return Verdict(
            "warn", "at risk", sentence.replace("alerts still fires", "alerts still fire"), more
        )
    if not _is_proven(standing, reader.now):
        sentence = "Nothing is open, and no page has been answered within a day: that pages arrive is not proven."
        return Verdict("unknown", "not proven", sentence, more)
    return Verdict(
        "ok", "safe", "Production is safe. Nothing is open and nobody waits for anybody.", more
    )


def _is_proven(standing: Standing, now: datetime) -> bool:
    return standing.proven_at is not None and now - standing.proven_at <= PROVEN_WITHIN


def _more(standing: Standing, reader: Reader) -> str:
    """The second line: counts with what they are counts of, then what is silenced, then the proof."""
    parts = []
    if standing.open:
        held = sum(one.is_held for one in standing.open)
        parts.append(f"{words.counted(len(standing.open), 'incident')} open, {held} acknowledged")
    elif standing.last_closed is not None and standing.last_closed.resolved_at is not None:
        parts.append(_last(standing, reader))
    loud = standing.alerts_n - standing.alerts_silenced_n
    if standing.alerts_n:
        silenced = f", {standing.alerts_silenced_n} silenced" if standing.alerts_silenced_n else ""
        parts.append(f"{words.counted(loud, 'alert')} firing{silenced}")
    if standing.proven is not None and standing.proven_at is not None:
        at = reader.times.short(standing.proven_at)
        parts.append(f"the last page was answered {at} by {reader.name(standing.proven.person)}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _last(standing: Standing, reader: Reader) -> str:
    last = standing.last_closed
    assert last is not None
    assert last.resolved_at is not None
    resolved = from_us(last.resolved_at)
    lasted = words.age(resolved - from_us(last.opened_at))
    return f"the last incident, {last.name}, was resolved {reader.times.short(resolved)} after {lasted}"


def _lower(title: str) -> str:
    """A title inside of a sentence: lower case, unless it begins with a name or an abbreviation."""
    if len(title) > 1 and title[0].isupper() and title[1].islower() and "-" not in title.split()[0]:
        return title[0].lower() + title[1:]
    return title
