"""What every command has at hand: the options that all share, the client, the terminal, the end.

`Verb` is a click command with the shared options; `run` is the one place where a command's error
becomes a sentence and an exit code: 0 done, 1 the other side or we failed, 2 refused.
"""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click
from rich.console import Console

from mainstay.cli import show
from mainstay.foundation.clock import SystemClock
from mainstay.foundation.errors import Invalid, MainstayError, Refused, Unreachable

if TYPE_CHECKING:  # a command that works on files alone does not wait for these (0.2 s)
    from mainstay.cli.client import Client
    from mainstay.foundation.settings import Loaded

TOKEN_FILE = "cli.json"  # noqa: S105 (the name of a file)
"""In the data folder; `serve` writes it, 0600: {"url": …, "token": …}."""
META = "mainstay."
OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True, slots=True)
class Desk:
    """One command under way: what it was asked, and how it answers."""

    json: bool
    zone: tzinfo | None
    url: str | None
    token: str | None = field(repr=False)
    flags: Mapping[str, Any]
    config: Path | None
    now: Callable[[], datetime]
    environment: Mapping[str, str]
    out: Console

    # -- asking --------------------------------------------------------------------------------

    def client(self, *, timeout_s: float = 10.0) -> Client:
        """The client of the Mainstay that the options, the environment or the token file name."""
        url = self.url or self.environment.get("MAINSTAY_URL")
        token = self.token or self.environment.get("MAINSTAY_TOKEN")
        if not (url and token):
            known = self._token_file() if not url else {}
            url, token = url or known.get("url"), token or known.get("token")
        if not url:
            raise Unreachable(
                f"No Mainstay is known in {self.data_dir}. Start one with: mainstay serve – or say "
                "where it is, by --url and --token, or by MAINSTAY_URL and MAINSTAY_TOKEN."
            )
        if not token:
            raise Invalid(f"No token for {url}; give it by --token or MAINSTAY_TOKEN.")
        client: Client = import_module("mainstay.cli.client").Client(
            url, token, timeout_s=timeout_s
        )
        return client

    def settings(self) -> Loaded:
        """The settings in force, as `serve` would read them here."""
        settings, environment = import_module("mainstay.foundation.settings"), self.environment
        file = settings.find_file(flag=self.config, environment=environment, folder=Path.cwd())
        loaded: Loaded = settings.load(file=file, environment=environment, flags=self.flags)
        return loaded

    @property
    def data_dir(self) -> Path:
        """Where this install keeps its own."""
        return self.settings().settings.data_dir

    def _token_file(self) -> dict[str, str]:
        path = self.data_dir / TOKEN_FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError):
            raise Invalid(f"{path} cannot be read; start mainstay serve again.") from None
        return found if isinstance(found, dict) else {}

    # -- answering -----------------------------------------------------------------------------

    @property
    def look(self) -> show.Look:
        """How times are told, now."""
        return show.Look(self.now(), self.zone)

    def time(self, text: str) -> datetime:
        """What a person typed for a time."""
        return show.when_given(text, now=self.now(), zone=self.zone)

    def say(self, words: object, style: str = "") -> None:
        """A sentence, safe for the terminal."""
        self.out.print(show.paragraphs(words), style=style or None)

    def answer(self, answer: Mapping[str, Any]) -> None:
        """What an act answered: its sentence; or all of it, as JSON."""
        if self.json:
            self.out.file.write(show.as_json(answer) + "\n")
        else:
            self.say(answer.get("sentence") or "Done.")

    def dump(self, value: object) -> bool:
        """Print `value` if JSON was asked for; whether it was."""
        if self.json:
            self.out.file.write(show.as_json(value) + "\n")
        return self.json

    def rows(
        self,
        items: Sequence[Mapping[str, Any]],
        heads: Mapping[str, Callable[[Mapping[str, Any]], show.Cell]],
        *,
        empty: str,
    ) -> None:
        """A list as JSON, as a table with these heads, or as the sentence for an empty one."""
        if self.dump({"items": list(items)}):
            return
        if not items:
            self.say(empty)
            return
        cells = [[cell(item) for cell in heads.values()] for item in items]
        show.table(self.out, list(heads), cells)


# -- options that all share ------------------------------------------------------------------------


def _keep(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Into the context's meta, which groups and commands share; the innermost that was given."""
    if value not in (None, False):
        ctx.meta[META + str(param.name)] = value


def shared(*names: str) -> list[click.Option]:
    """Fresh options that mean the same in every command: those named, or all."""

    def option(*names: str, **more: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_keep, **more)

    every = [
        option("--json", is_flag=True, help="Print JSON, for programs."),
        option("--utc", is_flag=True, help="Tell times in UTC instead of this machine's zone."),
        option("--url", metavar="URL", help="The Mainstay to talk to."),
        option("--token", metavar="TOKEN", help="Better in MAINSTAY_TOKEN: others see flags."),
        option("--data", metavar="DIR", help="The data folder of this install."),
        option("--config", metavar="FILE", type=click.Path(path_type=Path), help="Settings file."),
        option("--debug", is_flag=True, help="Show where the program failed."),
    ]
    return [one for one in every if not names or set(names) & set(one.opts)]


class Verb(click.Command):
    """A command with the shared options; the last line of its help is an example."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {name for param in self.params for name in param.opts}
        self.params += [one for one in shared() if not own & set(one.opts)]


class Verbs(click.Group):
    """A group whose commands are `Verb`s, listed in the order in which they were written."""

    command_class = Verb
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def desk_of(ctx: click.Context, flags: Mapping[str, Any] | None = None) -> Desk:
    """The desk of a command, of what was asked so far. `flags`: more settings."""
    asked = {key.removeprefix(META): value for key, value in ctx.meta.items()}
    return Desk(
        json=bool(asked.get("json")),
        zone=UTC if asked.get("utc") else None,
        url=asked.get("url"),
        token=asked.get("token"),
        flags={"data_dir": asked.get("data"), **(flags or {})},
        config=asked.get("config"),
        now=SystemClock().now,
        environment=os.environ,
        out=show.console(sys.stdout, os.environ),
    )


def at_desk(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator, the one next to the function: its first parameter is the Desk."""

    @click.pass_context
    def with_desk(ctx: click.Context, /, *args: Any, **kwargs: Any) -> None:
        command(desk_of(ctx), *args, **kwargs)

    with_desk.__doc__ = command.__doc__
    with_desk.__name__ = command.__name__
    return with_desk


# -- the end ---------------------------------------------------------------------------------------


def run(group: click.Group, arguments: Sequence[str], *, errors: TextIO | None = None) -> int:
    """Run a command line; its exit code. Every error is a sentence; a traceback only by --debug."""
    errors = errors or sys.stderr
    _legible(sys.stdout)
    try:
        code = group.main(list(arguments), prog_name="mainstay", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show(errors)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        errors.write("\nStopped.\n")
        return INTERRUPTED
    except MainstayError as error:
        return _say(error, errors)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        name = f" {error.filename}" if error.filename else ""
        errors.write(f"mainstay: The system refused{name}: {error.strerror or error}.\n")
        return FAILED
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exc(file=errors)
        more = "" if "--debug" in arguments else " Run it again with --debug, and tell us."
        errors.write(f"mainstay: Mainstay is at fault ({type(error).__name__}: {error}).{more}\n")
        return FAILED
    return code if isinstance(code, int) else OK


def _legible(out: TextIO) -> None:
    """A terminal that is not UTF-8 shows `?` for a sign it does not have, instead of nothing."""
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")


def _say(error: MainstayError, errors: TextIO) -> int:
    words = show.paragraphs(error.sentence)
    errors.write(f"mainstay: {words}\n")
    pointer = error.facts.get("pointer") or getattr(error, "pointer", "")
    if pointer:
        errors.write(f"  at {show.clean(pointer)}\n")
    return REFUSED if isinstance(error, Refused) else FAILED
