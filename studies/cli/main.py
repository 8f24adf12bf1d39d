"""The command line.

Exit codes: 0 done, 1 a published case or a certificate is contradicted, 2 bad input, 3 infeasible, 4 stopped early, 130
interrupted.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

import click

import dawndusk
from dawndusk.models.errors import DawnduskError
from dawndusk.studies.cli.terminal import BAD_INPUT, CONTRADICTED, INTERRUPTED

COMMANDS = {
    "run": "Search the design space of a study and write a run folder.",
    "pareto": "Search the front of a study between two to five goals, and write a run folder.",
    "plan": "Plan a fleet over the years: what flies when, on what, and when the ground is the better purchase.",
    "resume": "Go on with a search by trials.",
    "status": "Say how a search by trials stands, while it runs or afterwards.",
    "ask": "Name the next designs to evaluate elsewhere; `dawndusk tell` takes the answers.",
    "tell": "Take the answer to a design that was asked.",
    "export": "Write the front of a run folder, or the trials of a search, as a table or picture for other programs.",
    "evaluate": "Evaluate one design of a study.",
    "compare": "Put several studies side by side, or say why runs differ.",
    "explain": "Show what a figure of a run is made of, down to data rows with their sources.",
    "report": "Write a run as one HTML file that works offline.",
    "plot": "Write the figures of a run as SVG or PNG files.",
    "serve": "Explore runs and studies in a browser.",
    "attack": "Certify a study, then try to refute the certificate.",
    "validate": "Reproduce published cases and say where they disagree.",
    "list": "List the studies, accelerators, vehicles and other names.",
    "schema": "Print the JSON Schema of a study file.",
    "check": "Check study files without running them.",
    "export-model": "Write the mixed-integer model of a study as FILE.lp or FILE.mps.",
}
MODULES = {
    "run": "runs",
    "evaluate": "runs",
    "pareto": "fronts",
    "export": "fronts",
    "plan": "plans",
    "resume": "searches",
    "status": "searches",
    "ask": "searches",
    "tell": "searches",
    "compare": "compare",
    "explain": "reports",
    "report": "reports",
    "plot": "reports",
    "serve": "serve",
    "attack": "attack",
    "validate": "catalogue",
    "list": "catalogue",
    "schema": "catalogue",
    "check": "catalogue",
    "export-model": "catalogue",
}
"""Module of each command in ``commands``."""


def command_named(name: str) -> click.Command:
    """Import the module of a command and return it."""
    module = importlib.import_module(f"dawndusk.studies.cli.{MODULES[name]}")
    command: click.Command = getattr(module, f"{name.replace('-', '_')}_command")
    return command


class LazyGroup(click.Group):
    """A group that imports a command only when it is used, so that help answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        return command_named(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Name the nearest command when there is no such one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from dawndusk.models.errors import nearest, one_of  # noqa: PLC0415 (only when it goes wrong)

            raise click.UsageError(
                f"command: found {args[0]!r}; allowed {one_of(COMMANDS)}{nearest(args[0], COMMANDS)}", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their sentence, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(dawndusk.__version__, prog_name="dawndusk")
def application() -> None:
    """Search the design space of orbital AI data centres.

    A STUDY is the name of a shipped study (see `dawndusk list`) or the path of a YAML or JSON file.
    """


def main() -> None:
    """Run the command line and exit with its code; bad input ends in one message and exit code 2."""
    try:
        with _heedless():
            code = application.main(standalone_mode=False)
    except DawnduskError as error:
        _fail(str(error), CONTRADICTED if _contradicts(error) else BAD_INPUT)
    except click.ClickException as error:
        error.show()
        sys.exit(BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        _interrupted()
    except RuntimeError as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        _interrupted()
    except OSError as error:
        _drop(sys.stdout)
        _fail(f"output can not be written: {error.strerror or error}")
    finally:
        _forget_interrupts()
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted() -> None:
    click.echo("interrupted; nothing was written", err=True)
    sys.exit(INTERRUPTED)


def _forget_interrupts() -> None:
    """Have the interpreter end with our exit code and not by the signal of an interrupt that was handled.

    An interrupt inside source text that is executed, as in the making of a data class while a module is imported, sets
    a mark in CPython that outlives its handling (`unhandled_keyboard_interrupt` in `Python/pythonrun.c`). Executing any
    other text clears it.
    """
    eval("None")


class Heedless:
    """An output that drops what is written once its reader has gone, so that a command ends with its own exit code."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> int:
        """Write some text, or drop it."""
        with self._unbroken():
            self._output.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        with self._unbroken():
            self._output.flush()

    def __getattr__(self, name: str) -> Any:
        """Return what the output itself has, such as its encoding."""
        return getattr(self._output, name)

    @contextlib.contextmanager
    def _unbroken(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            _drop(self._output)


@contextlib.contextmanager
def _heedless() -> Iterator[None]:
    """Let no command end because whoever reads its output or its messages has gone."""
    out, err = (cast("TextIO", Heedless(stream)) for stream in (sys.stdout, sys.stderr))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield


def _drop(stream: TextIO) -> None:
    """Send what is still buffered nowhere, so that neither a later write nor the interpreter at its end fails on it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _contradicts(error: DawnduskError) -> bool:
    from dawndusk.optimize.errors import CertificateError  # noqa: PLC0415 (only when it goes wrong)

    return isinstance(error, CertificateError)


def _fail(message: str, code: int = BAD_INPUT) -> None:
    click.echo(f"error: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
