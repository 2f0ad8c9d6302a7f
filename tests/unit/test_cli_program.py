"""Does the command line know its commands, and import no more than each needs?"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

from mainstay import cli


def test_the_table_of_commands_is_what_their_modules_register() -> None:
    for module, verbs in cli.VERBS.items():
        group = cli.Verbs()
        import_module(f"mainstay.cli.{module}").register(group)
        assert list(group.commands) == verbs.split(), module


def test_a_command_that_only_asks_imports_no_rooms() -> None:
    look = "import sys; from mainstay.cli import program; program().get_command(None, 'ack')"
    heavy = "'mainstay.acts', 'mainstay.estate', 'mainstay.oncall', 'fastapi', 'holidays'"
    script = f"{look}; print([m for m in ({heavy}) if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
