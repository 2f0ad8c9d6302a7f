"""Icinga 2's language as statements and expressions. What is not known is reported, and passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mainstay.estate.importers.draft import Text
from mainstay.estate.importers.icinga.tokens import Token, Unread, tokens

DEPTH_MAX = 60
BINARY: Mapping[str, int] = MappingProxyType(
    {"||": 1, "&&": 2, "in": 3, "!in": 3, "==": 4, "!=": 4, "<": 5, ">": 5, "<=": 5, ">=": 5, "+": 6, "-": 6}
)  # fmt: skip
"""Operator → how strongly it binds."""
WORDS = frozenset({"object", "template", "apply"})
PASSED_OVER = frozenset({"include", "include_recursive", "include_zones", "library"})
LITERALS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Node:
    """An expression: `value`, `list`, `map`, `name`, `part`, `call`, `not`, or an operator."""

    kind: str
    at: Token
    value: object = None
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Set_:
    """`vars.a["b"] = …`, or `+=`."""

    path: tuple[Node, ...]
    operator: str
    value: Node


@dataclass(slots=True)
class Block:
    """`object`, `template` or `apply`, and what stands in it, in order."""

    word: str
    kind: str
    name: Node
    called: str
    at: Token
    body: list[Set_ | Node] = field(default_factory=list)
    """Settings, and `import`s (a Node of the template's name)."""
    assign: list[Node] = field(default_factory=list)
    ignore: list[Node] = field(default_factory=list)
    to: str | None = None
    over: tuple[str, str | None, Node] | None = None
    """`for (key => value in …)`; without `=>` there is no key: (value, None, …)."""

    @property
    def place(self) -> str:
        """`file:line:column`"""
        return f"{self.called}:{self.at.line}:{self.at.column}"


@dataclass(slots=True)
class Program:
    """All files."""

    blocks: list[Block] = field(default_factory=list)
    constants: dict[str, Node] = field(default_factory=dict)


def parse(file: Text, into: Program, report: Callable[[str], None]) -> None:
    """Read a file's statements; each that cannot be read is reported with its place."""
    reader = _Reader(file, report)
    while reader.now.kind != "end":
        try:
            reader.statement(into)
        except Unread as unread:
            report(f"{file.called}:{unread.at.line}:{unread.at.column}: {unread.words}")
            reader.to_next_statement()
    if reader.now.text:
        words = f"from here on this cannot be read: {reader.now.text!r}"
        report(f"{file.called}:{reader.now.line}:{reader.now.column}: {words}")


class _Reader:
    def __init__(self, file: Text, report: Callable[[str], None]) -> None:
        self._tokens, self._at = tokens(file.text), 0
        self._called, self._report, self._depth = file.called, report, 0

    @property
    def now(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self.now
        if token.kind == "end":
            raise Unread("the file ends in the middle of this", token)
        self._at += 1
        return token

    def _take(self, text: str) -> bool:
        if self.now.kind in ("name", "sign") and self.now.text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> Token:
        token = self.now
        if not self._take(text):
            raise Unread(f"expected {text!r}, got {token.text[:30]!r}", token)
        return token

    def to_next_statement(self) -> None:
        """To the next word that begins a statement at the beginning of a line."""
        begin = WORDS | PASSED_OVER | {"const", "globals"}
        self._at += self.now.kind != "end"
        while self.now.kind != "end" and not (self.now.text in begin and self.now.column == 1):
            self._at += 1

    # -- statements --------------------------------------------------------------------------------

    def statement(self, into: Program) -> None:
        token = self._next()
        if token.text in WORDS and token.kind == "name":
            into.blocks.append(self._block(token))
        elif token.text == "const":
            name = self._next().text
            self._expect("=")
            into.constants[name] = self._expression()
        elif token.text in PASSED_OVER:
            while self.now.kind != "end" and self.now.line == token.line:
                self._at += 1
        elif token.text != ";":
            raise Unread(f"{token.text[:30]!r} begins no statement that is read here", token)

    def _block(self, word: Token) -> Block:
        kind = self._next().text
        block = Block(word.text, kind, Node("value", word, ""), self._called, word)
        if not (self.now.text in ("for", "{") and self.now.kind != "text"):
            block.name = self._expression()
        if self._take("to"):
            block.to = self._next().text
        if self._take("for"):
            self._expect("(")
            first, second = self._next().text, None
            if self._take("=>"):
                second = self._next().text
            self._expect("in")
            block.over = (first, second, self._expression())
            self._expect(")")
        while self._take("default") or self._take("ignore_on_error"):
            pass
        self._expect("{")
        while not self._take("}"):
            self._setting(block)
        return block

    def _setting(self, block: Block) -> None:
        begun = self.now
        try:
            if self._take(";") or self._take(","):
                return
            if self._take("import"):
                block.body.append(self._expression())
            elif begun.text in ("assign", "ignore") and self._tokens[self._at + 1].text == "where":
                self._at += 2
                (block.assign if begun.text == "assign" else block.ignore).append(
                    self._expression()
                )
            else:
                block.body.append(self._set())
        except Unread as unread:
            if self.now.kind == "end":
                raise
            place = f"{self._called}:{unread.at.line}:{unread.at.column}"
            self._report(f"{place}: {unread.words}")
            self._pass_over(begun)

    def _pass_over(self, begun: Token) -> None:
        """The rest of a setting: to the end of its line, its braces closed."""
        self._at = self._tokens.index(begun, max(0, self._at - 10_000))
        depth = 0
        while self.now.kind != "end":
            text = self.now.text if self.now.kind == "sign" else ""
            if depth == 0 and (text == "}" or self.now.line > begun.line):
                return
            depth += (text in ("{", "[", "(")) - (text in ("}", "]", ")"))
            self._at += 1
            if depth == 0 and text == "}" and self.now.text != "else":
                return

    def _set(self) -> Set_:
        first = self._next()
        if first.kind != "name":
            raise Unread(f"{first.text[:30]!r} begins no setting", first)
        path = [Node("value", first, first.text)]
        while not (self.now.text in ("=", "+=") and self.now.kind == "sign"):
            if self._take("."):
                token = self._next()
                path.append(
                    Node("value", token, token.value if token.kind == "text" else token.text)
                )
            elif self._take("["):
                path.append(self._expression())
                self._expect("]")
            else:
                raise Unread(f"{first.text[:30]!r} is no setting that is read here", first)
        return Set_(tuple(path), self._next().text, self._expression())

    # -- expressions -------------------------------------------------------------------------------

    def _expression(self, least: int = 1) -> Node:
        self._depth += 1
        try:
            if self._depth > DEPTH_MAX:
                raise Unread("this is nested too deep", self.now)
            left = self._operand()
            while True:
                operator = self._operator()
                if BINARY.get(operator, 0) < least:
                    return left
                token = self._next()
                if operator == "!in":
                    self._next()
                left = Node(operator, token, parts=(left, self._expression(BINARY[operator] + 1)))
        finally:
            self._depth -= 1

    def _operator(self) -> str:
        if self.now.kind not in ("sign", "name"):
            return ""
        following = self._tokens[self._at + 1].text if self.now.text == "!" else ""
        return "!in" if following == "in" else self.now.text

    def _operand(self) -> Node:
        token = self._next()
        if token.kind in ("text", "number"):
            return Node("value", token, token.value)
        if token.kind == "name":
            if token.text in LITERALS:
                return Node("value", token, LITERALS[token.text])
            if token.text in ("function", "if", "while", "for", "use"):
                raise Unread(f"{token.text!r}: programs are not read", token)
            return self._parts_of(Node("name", token, token.text))
        match token.text:
            case "!":
                return Node("not", token, parts=(self._operand(),))
            case "-":
                return Node("-", token, parts=(Node("value", token, 0.0), self._operand()))
            case "(":
                inner = self._expression()
                self._expect(")")
                return inner
            case "[":
                return Node("list", token, parts=tuple(self._items("]")))
            case "{" if self.now.text != "{":
                return self._map(token)
        raise Unread(f"expected a value, got {token.text[:30]!r}", token)

    def _parts_of(self, node: Node) -> Node:
        while self.now.kind == "sign" and self.now.line == self._tokens[self._at - 1].line:
            if self._take("."):
                token = self._next()
                node = Node("part", token, parts=(node, Node("value", token, token.text)))
            elif self._take("["):
                node = Node("part", node.at, parts=(node, self._expression()))
                self._expect("]")
            elif self._take("("):
                node = Node("call", node.at, parts=(node, *self._items(")")))
            else:
                break
        return node

    def _items(self, end: str) -> list[Node]:
        found: list[Node] = []
        while not self._take(end):
            found.append(self._expression())
            self._take(",")
        return found

    def _map(self, token: Token) -> Node:
        """Keys and values in turn."""
        parts: list[Node] = []
        while not self._take("}"):
            if self._take(",") or self._take(";"):
                continue
            key = self._next()
            if key.kind not in ("name", "text"):
                raise Unread(f"expected a key, got {key.text[:30]!r}", key)
            parts.append(Node("value", key, key.value if key.kind == "text" else key.text))
            if not (self._take("=") or self._take("+=")):
                raise Unread(f"expected '=', got {self.now.text[:30]!r}", self.now)
            parts.append(self._expression())
        return Node("map", token, parts=tuple(parts))
