"""Who calls whom, as the estate declares it."""

from __future__ import annotations

from dataclasses import dataclass

from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.material import Material
from mainstay.estate import View


@dataclass(frozen=True, slots=True)
class Declared:
    """The dependencies of the services asked about."""

    view: View
    name: str = "dependencies"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """Each service with what it depends on."""
        services = self.view.estate.services
        return Material(
            calls=frozenset(
                (caller, callee)
                for caller in question.services
                if caller in services
                for callee in services[caller].depends
            )
        )
