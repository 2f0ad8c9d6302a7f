"""Secrets and personal data blanked before anything is stored: what is not kept cannot leak.

Card numbers are blanked only if their check digit is right (Luhn, ISO/IEC 7812), so that order
numbers stay; tokens by their known beginnings and by the name before them (`password=`); e-mail
addresses by their shape. An estate adds patterns of its own. A blank says what stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import re2

from mainstay.foundation.errors import Invalid

CARD_DIGITS = range(13, 20)
"""Digits of a card number, the shortest and the longest in use."""
_CARD = re.compile(r"(?<![\w.-])[0-9](?:[ -]?[0-9]){12,18}(?![\w-])")
_CARD_BYTES = re.compile(_CARD.pattern.encode(), re.ASCII)
_TOKENS = re.compile(
    r"""
      \beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*                     # a JSON Web Token
    | \b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk-|sk_live_|rk_live_|AKIA|ASIA|AIza|mst_)[\w-]{12,}
    | (?<=[Bb]earer\ )[\w.~+/-]{8,}=* | (?<=[Bb]asic\ )[A-Za-z0-9+/]{8,}=*
    | -----BEGIN[A-Z ]*PRIVATE\ KEY-----(?:(?!-----END).)*(?:-----END[A-Z ]*PRIVATE\ KEY-----)?
    | (?<=://)[^\s/:@]+:[^\s/@]+(?=@)                       # user:password@ in a URL
    """,
    re.VERBOSE | re.DOTALL,
)
_NAMED = re.compile(
    r"""(?P<name>(?i:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|credentials?|pwd|pin|cvv|cvc|authorization))
        (?P<sign>["']?\s?[=:]\s?["']?)(?P<value>[^\s"',;&)}\]]{3,})""",
    re.VERBOSE,
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_DIGITS_HINT = r"\d(?:[ -]?\d){12}"
_WORDS_HINT = (
    r"@|eyJ|gh[pousr]_|github_pat|glpat-|xox[abeprs]-|sk[-_]|rk_live|AKIA|ASIA|AIza|mst_|PRIVATE KEY"
    r"|(?i:bearer|basic |passw|secret|token|api.?key|access.?key|credential|pwd|passphrase|authoriz)"
    r"|(?i:\b(?:pass|pin|cvv|cvc)\b)"
)
"""Without these in it a text has nothing to blank: most have none. Asked of whole blocks by RE2."""
_WORDS = frozenset({"null", "none", "true", "false", "is", "was", "the", "for", "and", "not", "has", "expired", "invalid", "missing", "required", "bearer", "basic"})  # fmt: skip
"""After `token:` these are words and no secret."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern of the estate's own (RE2); what it finds becomes `[name]`."""

    name: str
    pattern: str


@dataclass(slots=True)
class Blanks:
    """Blanks texts by the built-in rules and those given."""

    rules: Sequence[Rule] = ()
    _own: list[tuple[str, Any]] = field(default_factory=list)
    _digits: Any = None
    _words: Any = None

    def __post_init__(self) -> None:
        self._digits, self._words = _compiled(_DIGITS_HINT), _compiled(_WORDS_HINT)
        for rule in self.rules:
            try:
                self._own.append((f"[{rule.name}]", _compiled(rule.pattern)))
            except re2.error:
                raise Invalid(
                    f"The pattern of {rule.name!r} is no RE2: {rule.pattern!r}."
                ) from None

    def blank(self, text: str) -> str:
        """The text without what must not be kept."""
        if self._words.search(text) is not None:
            text = _TOKENS.sub("[token]", text)
            text = _NAMED.sub(_without_value, text)
            text = _MAIL.sub("[e-mail]", text)
        if self._digits.search(text) is not None:
            text = _CARD.sub(_without_card, text)
        for blank, pattern in self._own:
            text = pattern.sub(blank, text)
        return text

    def block(self, block: bytes) -> bytes:
        """The same for a block of whole lines: only lines that may hold something are looked at."""
        digits = dict.fromkeys(_lines_with(self._digits, block), False)
        for hint in [self._words, *(pattern for _, pattern in self._own)]:
            digits.update(dict.fromkeys(_lines_with(hint, block), True))
        parts, at = [], 0
        for (start, end), wholly in sorted(digits.items()):
            line = block[start:end]
            parts += [block[at:start], self._line(line) if wholly else _CARD_BYTES.sub(_card, line)]
            at = end
        return b"".join([*parts, block[at:]]) if parts else block

    def _line(self, line: bytes) -> bytes:
        text = line.decode("utf-8", "replace")
        blanked = self.blank(text)
        return line if blanked == text else blanked.encode("utf-8", "replace")


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _lines_with(hint: Any, block: bytes) -> Iterator[tuple[int, int]]:
    """Where the lines begin and end in which the pattern is found."""
    at = 0
    while (found := hint.search(block, at)) is not None:
        start = block.rfind(b"\n", 0, found.start()) + 1
        end = block.find(b"\n", found.start())
        end = len(block) if end < 0 else end
        yield start, end
        at = end + 1
        if at > len(block):
            return


def _without_value(found: re.Match[str]) -> str:
    value = found["value"]
    if value.lower() in _WORDS or value.startswith("["):
        return found[0]
    return f"{found['name']}{found['sign']}[secret]"


def _without_card(found: re.Match[str]) -> str:
    return "[card]" if _is_card(found[0]) else found[0]


def _card(found: re.Match[bytes]) -> bytes:
    return b"[card]" if _is_card(found[0].decode()) else found[0]


def _is_card(text: str) -> bool:
    digits = [int(one) for one in text if one in "0123456789"]
    return len(digits) in CARD_DIGITS and _luhn(digits)


def _luhn(digits: Sequence[int]) -> bool:
    """Whether the check digit is right; of plain repetitions (000…) it says nothing."""
    if len(set(digits)) == 1:
        return False
    doubled = [one * 2 - 9 if one > 4 else one * 2 for one in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
