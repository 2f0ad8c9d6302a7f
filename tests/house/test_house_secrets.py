"""Is what proves who somebody is compared in constant time?"""

from __future__ import annotations

import ast
import re

import pytest
from house_tree import Module, modules, parse

PROOF = re.compile(r"signature|csrf|hmac")
"""Names of what could be guessed byte by byte, if a comparison ended at the first wrong one."""


def comparisons(module: Module) -> list[str]:
    """Every `==` and `!=` on such a name."""
    return [
        module.fault(node, "a proof is compared by ==: use hmac.compare_digest")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        and any(PROOF.search(name) for part in ast.walk(node) for name in _names(part))
    ]


def _names(node: ast.AST) -> list[str]:
    return [str(getattr(node, field)) for field in ("id", "attr") if hasattr(node, field)]


def test_every_proof_is_compared_in_constant_time() -> None:
    faults = [fault for module in modules("src") for fault in comparisons(module)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "text", ["ok = signature == given", "if visit.csrf != sent: ...", "x == hmac.new(k).digest()"]
)
def test_a_plain_comparison_is_found(text: str) -> None:
    assert comparisons(parse("src/mainstay/a.py", text))
