"""A sabotage is found out by the first example that fails; nobody waits for the smallest one."""

from __future__ import annotations

import os

from hypothesis import Phase, settings

settings.register_profile("mutant", phases=(Phase.explicit, Phase.generate))
if "MAINSTAY_MUTANT" in os.environ:
    settings.load_profile("mutant")
