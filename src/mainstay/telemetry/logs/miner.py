"""Templates out of masked messages: where messages agree in all but one word, that word is a value.

Two rules, both over the distinct messages and not their counts, so that the order of lines and the
length of a log change nothing:

1. *One word differs.* Messages that are the same but for one word show that word's values. How many
   it takes depends on what stands there: two behind `user` or `=`, three identifiers (`a.b.C`,
   `rack-a`), six plain words – since `connection opened` and `connection closed` are two things.
2. *Only identifiers differ.* Messages with the same plain words in the same places are one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from mainstay.telemetry.logs.masks import MASK

ROUNDS = 4
"""Rule 1 is applied again to what it made, so often at most: one round for each word that varies."""
NAMED_MIN, IDENTIFIERS_MIN, WORDS_MIN, FIRST_MIN = 2, 3, 6, 12
"""From how many distinct values on a place is a parameter, by what is seen there. The first word
says what happened, and CAPITALS are states: both need many."""
SAID_MIN = 2
"""So many words must agree; `ready` and `stopped` have nothing in common."""
TOKENS_MAX = 120
"""Longer messages are taken as they are: dumps, not sentences."""

_TOKEN = re.compile(r"<\*>|[\w.$@/+\\-]+|\s|.", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]")
_SAYS = re.compile(r"[A-Za-z]{2}")
_PLAIN = re.compile(r"[A-Za-z]?[a-z]*[.]?")
_CAPITALS = re.compile(r"[A-Z_]+")
_NAMES = frozenset({"user", "username", "account", "login", "host", "hostname"})
_RUNS = re.compile(r"<\*>(?:<\*>)+")

Tokens = tuple[str, ...]
Places = dict[int, list[tuple[Tokens, int]]]


def mine(messages: Iterable[str]) -> dict[str, str]:
    """Masked message → template, for distinct messages. About 30 µs for each."""
    given = {message: tuple(_TOKEN.findall(message)) for message in messages}
    current = {one: one for one in given.values() if len(one) <= TOKENS_MAX}
    for _ in range(ROUNDS):
        merged = _one_word_differs(set(current.values()))
        if not merged:
            break
        current = {one: merged.get(now, now) for one, now in current.items()}
    merged = _identifiers_differ(set(current.values()))
    current = {one: merged.get(now, now) for one, now in current.items()}
    return {message: _text(current.get(one, one)) for message, one in given.items()}


def _one_word_differs(messages: set[Tokens]) -> dict[Tokens, Tokens]:
    """Rule 1: the messages that change, and into what."""
    wild: dict[Tokens, set[int]] = defaultdict(set)
    for members in _places(messages).values():
        if len(members) > 1 and _is_parameter(members):
            for message, at in members:
                if message[at] != MASK:
                    wild[message].add(at)
    return {message: _wildcarded(message, at) for message, at in wild.items()}


def _places(messages: set[Tokens]) -> Places:
    """All (message, place) by the hash of everything else in the message."""
    places: Places = defaultdict(list)
    for message in messages:
        hashes = [hash(one) for one in enumerate(message)]
        total = sum(hashes) + len(message)
        for at, token in enumerate(message):
            if token == MASK or _WORD.search(token):
                places[total - hashes[at]].append((message, at))
    return places


def _is_parameter(members: Sequence[tuple[Tokens, int]]) -> bool:
    values = {message[at] for message, at in members}
    message, place = members[0]
    if sum(_says_something(one) for at, one in enumerate(message) if at != place) < SAID_MIN:
        return False
    if MASK in values and place:
        return len(values) > 1
    return len(values) >= min(_values_min(message, at) for message, at in members)


def _says_something(token: str) -> bool:
    return token != MASK and _SAYS.search(token) is not None


def _values_min(message: Tokens, at: int) -> int:
    """How many distinct values this place must have shown to be a parameter."""
    before = message[at - 1] if at else ""
    name = message[at - 2].lower() if at > 1 and before == " " else ""
    if before == "=" or name in _NAMES:
        return NAMED_MIN
    if at == 0 or _CAPITALS.fullmatch(message[at]):
        return FIRST_MIN
    return WORDS_MIN if _PLAIN.fullmatch(message[at]) else IDENTIFIERS_MIN


def _identifiers_differ(messages: set[Tokens]) -> dict[Tokens, Tokens]:
    """Rule 2: the messages that change, and into what."""
    shapes: dict[Tokens, list[Tokens]] = defaultdict(list)
    for message in messages:
        shape = tuple(
            "" if _is_identifier(message, at) else message[at] for at in range(len(message))
        )
        if "" in shape:
            shapes[shape].append(message)
    merged = {}
    for same in shapes.values():
        if len(same) >= IDENTIFIERS_MIN:
            wild = {at for at, seen in enumerate(zip(*same, strict=True)) if len(set(seen)) > 1}
            merged.update({message: _wildcarded(message, wild) for message in same})
    return merged


def _is_identifier(message: Tokens, at: int) -> bool:
    """A word that is none of a sentence, and does not name what follows, such as `a.b.C`."""
    token = message[at]
    if at == 0 or len(token) < 2 or token == MASK or message[at + 1 : at + 2] in (("(",), ("=",)):
        return False
    return not (_PLAIN.fullmatch(token) or _CAPITALS.fullmatch(token)) and bool(_WORD.search(token))


def _wildcarded(message: Tokens, wild: set[int]) -> Tokens:
    return tuple(MASK if at in wild else token for at, token in enumerate(message))


def _text(message: Tokens) -> str:
    return _RUNS.sub(MASK, "".join(message))
