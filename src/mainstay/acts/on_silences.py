"""Silences by hand and by time: who is muted, who speaks again, who is paged for it."""

from __future__ import annotations

from mainstay import alerts, incidents, paging
from mainstay.acts.commands import AddSilence, EndSilence
from mainstay.acts.done import Act, Done
from mainstay.alerts import Alert, Silence
from mainstay.foundation.clock import from_us
from mainstay.foundation.record import Fact
from mainstay.settling import end as end_batch
from mainstay.settling import open_batch, speaks_again


def add(act: Act, command: AddSilence) -> Done:
    """A silence, in force at once or later; what it mutes stops paging."""
    author = command.author or act.actor.id
    made, muted = alerts.silence(
        act.tx,
        act.ground.ids,
        command.matchers,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
        author=author,
        reason=command.reason,
        now=act.now,
    )
    matched = ", ".join(str(matcher) for matcher in made.matchers)
    who = act.actor.id if author == act.actor.id else f"{act.actor.id}, for {author},"
    words = f"{who} silenced {matched} until {act.when(command.ends_at)}: {made.reason}"
    facts = [act.fact("silence.added", made.id, words)]
    return Done(words, made.id, made, (*facts, *mute(act, made, muted)))


def start(act: Act, silence: Silence) -> list[Fact]:
    """Its time has come."""
    words = f"the silence of {silence.author} is in force: {silence.reason}"
    return [
        act.fact("silence.started", silence.id, words),
        *mute(act, silence, alerts.start_silence(act.tx, silence, now=act.now)),
    ]


def mute(act: Act, silence: Silence, muted: list[Alert]) -> list[Fact]:
    """The alerts that fell silent; an incident of which nothing is heard any more stops paging."""
    until = act.when(from_us(silence.ends_at))
    words = f"silenced by {silence.author} until {until}, because {silence.reason}"
    facts = [
        act.fact("alert.silenced", alert.id, words, incident=alert.incident) for alert in muted
    ]
    for name in dict.fromkeys(alert.incident for alert in muted if alert.incident):
        incident = incidents.get(act.tx, name)
        if incident is None or not incident.is_open or alerts.is_heard(act.tx, name):
            continue
        because = f"every open alert of {incident.name} is silenced"
        facts += paging.stop(act.tx, incident, because=because, now=act.now)
    return facts


def end(act: Act, silence_id: str) -> tuple[Silence, list[Alert], list[Fact]]:
    """Over. The alerts that still fire are returned, for `speak`."""
    ended, speaking = alerts.end_silence(act.tx, silence_id, now=act.now)
    return ended, speaking, [act.fact("silence.ended", ended.id, over(ended))]


def speak(act: Act, speaking: list[Alert], because: str) -> None:
    """Alerts that a silence no longer mutes, in a batch of their own within this transaction."""
    if not speaking:
        return
    batch = open_batch(act.tx, act.ground, act.now)
    for alert in speaking:
        speaks_again(batch, alert, because)
    end_batch(batch)


def over(silence: Silence) -> str:
    """Why its alerts are heard again."""
    return f"the silence of {silence.author} is over"


def end_by_hand(act: Act, command: EndSilence) -> Done:
    """A person ends it before its time; what still fires speaks again."""
    ended, speaking, facts = end(act, command.silence)
    more = "or more " if len(speaking) == alerts.SLICE else ""
    still = f"; {len(speaking)} {more}alerts still fire and speak again" if speaking else ""
    words = f"{act.actor.id} ended the silence of {ended.author}{still}"
    speak(act, speaking, words)
    return Done(words, ended.id, ended, tuple(facts))
