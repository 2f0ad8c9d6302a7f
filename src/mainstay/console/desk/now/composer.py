"""What is typed under a timeline: a note, or a /command. Pure: text in, a command of acts out.

This is an audited record, so nothing is guessed: a slash that begins no known command is refused
with what to write instead; a pasted log never becomes an act.
"""

from __future__ import annotations

from dataclasses import dataclass

from mainstay import acts
from mainstay.acts import commands
from mainstay.estate import target
from mainstay.foundation.errors import Invalid
from mainstay.foundation.nearest import hint

STATES = ("investigating", "mitigating", "monitoring")


@dataclass(frozen=True, slots=True)
class Slash:
    """A command of the composer, as its help says it."""

    word: str
    takes: str
    does: str


HELP = (
    Slash("ack", "", "take it; paging stops"),
    Slash("unack", "", "give it back; paging starts again"),
    Slash("finding", "text", "what was found out; it stands out"),
    Slash("decision", "text", "what was decided; it stands out"),
    Slash("update", "text", "what the business is told; starts its clock again"),
    Slash("picture", "known; doing; needed", "the current picture, in three parts"),
    Slash("page", "whom reason", "page person:ana, team:payops or schedule:payops-oncall now"),
    Slash("assign", "person", "hand it to somebody, who is paged"),
    Slash("escalate", "reason", "do not wait for the next step"),
    Slash("hold", "caller|change|problem|vendor", "on hold, and for whom"),
    Slash("investigating", "", "set the state"),
    Slash("mitigating", "", "set the state"),
    Slash("monitoring", "", "set the state"),
    Slash("resolve", "note", "it is over; its open alerts are closed by hand"),
    Slash("reopen", "reason", "it is not over"),
    Slash("note", "text", "a line that may begin with a slash"),
)


def parse(text: str, *, incident: str) -> acts.Command:
    """The command that the text asks for. Invalid says how to write it."""
    said = text.strip()
    if not said:
        raise Invalid("Write what you see or did, or a command such as /ack.", pointer="/text")
    if not said.startswith("/"):
        return commands.Note(incident, said)
    word, _, rest = said[1:].partition(" ")
    return _command(word.lower(), rest.strip(), incident)


def _command(word: str, rest: str, incident: str) -> acts.Command:
    match word:
        case "ack":
            return commands.Acknowledge(_bare(incident, word, rest))
        case "unack":
            return commands.Unacknowledge(_bare(incident, word, rest))
        case "note" | "finding" | "decision" | "update":
            return commands.Note(incident, _some(word, rest), word)
        case "picture":
            known, doing, needed = (
                *(part.strip() for part in _some(word, rest).split(";", 2)),
                "",
                "",
            )[:3]
            return commands.Picture(incident, known, doing, needed)
        case "page":
            return _page(rest, incident)
        case "assign":
            return commands.Reassign(incident, _some(word, rest).removeprefix("person:"))
        case "escalate":
            return commands.EscalateNow(incident, _some(word, rest))
        case "hold":
            return commands.Move(incident, "on_hold", _some(word, rest))
        case "resolve":
            return commands.Resolve(incident, rest or None)
        case "reopen":
            return commands.Reopen(incident, _some(word, rest))
    if word in STATES:
        return commands.Move(_bare(incident, word, rest), word)
    near = hint(word, [one.word for one in HELP])
    raise Invalid(
        f"There is no command /{word[:40]}{near}. To post a line that begins with a slash, write "
        "/note before it.",
        pointer="/text",
    )


def _page(rest: str, incident: str) -> acts.Command:
    whom, _, reason = rest.partition(" ")
    try:
        wanted = target(whom if ":" in whom else f"person:{whom}")
    except ValueError as error:
        words = f"Whom? {error}. Write /page person:ana, then why."
        raise Invalid(words, pointer="/text") from None
    if not reason.strip():
        raise Invalid("Say why after the name: whoever is woken reads it first.", pointer="/text")
    return commands.PageByHand(incident, wanted, reason.strip())


def _bare(incident: str, word: str, rest: str) -> str:
    """The incident; Invalid where something follows a command that takes nothing."""
    if rest:
        raise Invalid(f"/{word} takes nothing after it; post the rest as a note.", pointer="/text")
    return incident


def _some(word: str, rest: str) -> str:
    takes = next(one.takes for one in HELP if one.word == word)
    if not rest:
        raise Invalid(f"Write /{word} and then: {takes}.", pointer="/text")
    return rest
