"""What needs what: questions about the services' dependencies."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mainstay.estate.collections import Estate


def dependencies(estate: Estate, service: str, *, deep: bool = False) -> frozenset[str]:
    """The services that `service` needs; `deep`: and what those need, and so on."""
    return _reached(service, lambda id_: _depends(estate, id_), deep=deep)


def dependents(estate: Estate, service: str, *, deep: bool = False) -> frozenset[str]:
    """The services that need `service`; `deep`: and those that need them, and so on.

    Looks at every service once, also when `deep`.
    """
    needed_by: dict[str, list[str]] = {}
    for id_, one in estate.services.items():
        for other in one.depends:
            needed_by.setdefault(other, []).append(id_)
    return _reached(service, lambda id_: needed_by.get(id_, ()), deep=deep)


def _depends(estate: Estate, service: str) -> Iterable[str]:
    found = estate.services.get(service)
    return found.depends if found else ()


def _reached(start: str, step: Callable[[str], Iterable[str]], *, deep: bool) -> frozenset[str]:
    """Everything a step away, or any number of steps; without the start itself."""
    reached = set(step(start))
    todo = list(reached) if deep else []
    while todo:
        further = set(step(todo.pop())) - reached
        reached |= further
        todo.extend(further)
    return frozenset(reached - {start})
