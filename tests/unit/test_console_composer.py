"""Does the composer do what was typed, and refuse what it cannot be sure of?"""

from __future__ import annotations

import pytest

from mainstay.acts import commands
from mainstay.console.desk.now.composer import HELP, parse
from mainstay.estate import Target
from mainstay.foundation.errors import Invalid


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r2 is back", commands.Note("7", "r2 is back")),
        ("two\nlines", commands.Note("7", "two\nlines")),
        ("/ack", commands.Acknowledge("7")),
        ("/unack ", commands.Unacknowledge("7")),
        ("/ACK", commands.Acknowledge("7")),
        ("/finding it is the upgrade", commands.Note("7", "it is the upgrade", "finding")),
        ("/decision roll back", commands.Note("7", "roll back", "decision")),
        ("/update slow, none declined", commands.Note("7", "slow, none declined", "update")),
        ("/note /var is full", commands.Note("7", "/var is full")),
        ("/picture lag; draining r2; Ana's word", commands.Picture("7", "lag", "draining r2", "Ana's word")),
        ("/picture lag", commands.Picture("7", "lag")),
        ("/page team:payops all hands", commands.PageByHand("7", Target("team", "payops"), "all hands")),
        ("/page ana which report?", commands.PageByHand("7", Target("person", "ana"), "which report?")),
        ("/assign ben", commands.Reassign("7", "ben")),
        ("/escalate no answer", commands.EscalateNow("7", "no answer")),
        ("/hold vendor", commands.Move("7", "on_hold", "vendor")),
        ("/mitigating", commands.Move("7", "mitigating")),
        ("/resolve", commands.Resolve("7")),
        ("/resolve rolled back", commands.Resolve("7", "rolled back")),
        ("/reopen it is back", commands.Reopen("7", "it is back")),
    ],
)  # fmt: skip
def test_a_line_becomes_a_command(text: str, expected: object) -> None:
    assert parse(text, incident="7") == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Write what you see"),
        ("   ", "Write what you see"),
        ("/var/log/messages is full", "no command /var/log/messages"),
        ("/akc", "ack"),
        ("/ack now please", "takes nothing after it"),
        ("/mitigating soon", "takes nothing after it"),
        ("/page ana", "Say why"),
        ("/page nobody:x why", "Whom?"),
        ("/finding", "Write /finding and then: text"),
        ("/assign", "Write /assign and then: person"),
    ],
)
def test_what_is_not_sure_is_refused_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        parse(text, incident="7")


def test_every_command_of_the_help_is_one() -> None:
    for one in HELP:
        filled = {"": "", "whom reason": " ana why", "caller|change|problem|vendor": " vendor"}
        parse(f"/{one.word}{filled.get(one.takes, ' words')}", incident="7")
