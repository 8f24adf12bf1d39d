"""The command that attacks a certificate: it certifies a study, and tries for some minutes to refute what it proved."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import shlex
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

import dawndusk
from dawndusk.models.errors import DawnduskError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.certify.attack import Attacked, Attacking, Contradiction, attack
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.result import INTERRUPT, DesignResult
from dawndusk.studies.cli.terminal import (
    CONTRADICTED,
    INTERRUPTED,
    json_option,
    print_json,
    progress_bar,
    quiet_option,
    set_option,
    study_argument,
)
from dawndusk.studies.input.document import MAX_PLACE, shorten
from dawndusk.studies.input.identity import model_version, problem_hash
from dawndusk.studies.input.study import Kind, ResolvedStudy
from dawndusk.studies.input.studyfile import read_stated
from dawndusk.studies.output.terminal import attack as show
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.run.design.runner import problem_of
from dawndusk.studies.run.folder.writing import write_json

FORMAT, KIND = 1, "attack"
SECONDS_PER_MINUTE = 60.0
MINUTES = "1"
TIME_LIMIT = "time limit"
ENDING = ".json"


@click.command("attack")
@study_argument
@click.option(
    "--minutes",
    default=MINUTES,
    show_default=True,
    metavar="MINUTES",
    help="How long, and a little more for the last step. A third of it at most, and no more than a minute, goes to the "
    "certificate.",
)
@click.option("--seed", metavar="SEED", help="Short for --set search.seed=...: another seed tries other designs.")
@click.option("--gap", metavar="FRACTION", help="Short for --set search.gap=...: how close a bound is to be proved.")
@click.option(
    "--workers", metavar="COUNT", help="Short for --set search.workers=...: processes that make the certificate."
)
@set_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.json",
    help="Write the result to this file too, as --json prints it.",
)
@json_option
@quiet_option
def attack_command(
    study: str, overrides: Sequence[str], minutes: str, out: Path | None, as_json: bool, quiet: bool, **options: Any
) -> int:
    """Certify a study, then try to refute the certificate.

    Feasible designs are sought in every way that there is, on the edges of rules and of whole numbers above all, and
    each is held against the certificate. Boxes of every size around them are bounded, and every bound and every
    enclosure is compared with what the exact physics says. It ends with its time, not at the first contradiction.

    Exit code 1 if anything contradicts the certificate, 130 after an interrupt with what was tried by then.
    """
    seconds = _seconds(minutes)
    resolved = _read(study, [*overrides, *(f"search.{key}={value}" for key, value in options.items() if value)])
    if out is not None:
        _check_target(out)
    found, interrupted = _attacked(resolved, seconds, silent=quiet or as_json)
    content = attack_values(resolved, found, seconds, interrupted=interrupted)
    if out is not None:
        _write(out, content)
    if as_json:
        print_json(content)
    elif not quiet:
        command = [
            "dawndusk evaluate",
            _quoted(study),
            *(f"--set {_quoted(item)}" for item in _of_no_design(overrides)),
        ]
        console().print(show.attack_report(resolved, found, command, interrupted=interrupted), crop=False)
    if out is not None:
        click.echo(f"result: {out}", err=as_json)
    return _exit_code(resolved, found, interrupted=interrupted)


# What is asked


def _seconds(minutes: str) -> float:
    """Return the time of an attack."""
    with contextlib.suppress(ValueError):
        seconds = SECONDS_PER_MINUTE * float(minutes)
        if seconds > 0.0 and math.isfinite(seconds):
            return seconds
    raise DawnduskError(f"--minutes: found {shorten(minutes)!r}; allowed: a finite number above 0")


def _read(study: str, items: Sequence[str]) -> ResolvedStudy:
    """Return a study of which a certificate is made; refuse others before their own checks of the search section."""
    stated = read_stated(study)
    kind = stated.kind([item for item in items if not item.startswith("search.")])
    if kind not in {None, Kind.DESIGN}:
        several = ", one goal of a front at a time: --set kind=design --set minimise=OUTCOME"
        raise DawnduskError(
            f"{shorten(study, MAX_PLACE)}: kind: found {kind}, of which there is no certificate; allowed: design"
            f"{several if kind is Kind.PARETO else ''}"
        )
    resolved = stated.study(items)
    if resolved.search.goes_by_trials:
        raise DawnduskError(
            f"{resolved.source}: search: found a search by trials, which proves nothing; allowed: engine certified, "
            "evolution or milp, without evaluator and strategy"
        )
    return resolved


def _quoted(text: str) -> str:
    """Return a word for a shell, without characters that would steer the terminal."""
    return shlex.quote("".join(character for character in text if character.isprintable()))


def _of_no_design(overrides: Sequence[str]) -> list[str]:
    """Return the items that hold whatever the design; those of the design give way to the one that is shown."""
    return [item for item in overrides if item.split("=")[0].split(".")[0].strip() != "design"]


# The attack


@dataclass
class _Interrupt:
    """Notes an interrupt besides raising it: a certificate that is interrupted is a result, and the attack goes on."""

    noted: bool = False

    def __call__(self, *_: object) -> None:
        self.noted = True
        raise KeyboardInterrupt


@contextmanager
def _noting_interrupts() -> Iterator[_Interrupt]:
    """Note interrupts, unless the program handles them in its own way or this is another thread."""
    interrupt = _Interrupt()
    own = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    if own or threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


def _attacked(study: ResolvedStudy, seconds: float, *, silent: bool) -> tuple[Attacked, bool]:
    """Attack with a progress bar on the error stream of a terminal; return whether it was interrupted besides."""
    with progress_bar(silent=silent) as advance, _noting_interrupts() as interrupt:

        def report(now: Attacking) -> None:
            if interrupt.noted:
                raise KeyboardInterrupt
            contradicted = f"  {now.contradictions:,} contradictions" if now.contradictions else ""
            note = f"{now.designs:,} designs  {now.boxes:,} boxes{contradicted}"
            advance("attacking", min(now.seconds / seconds, 1.0), note)

        advance("certifying, looking for feasible designs", None, "")
        problem, settings = problem_of(study), study.search
        try:
            with np.errstate(all="ignore"):
                found = attack(
                    problem,
                    seconds=seconds,
                    seed=settings.seed,
                    gap=settings.gap,
                    workers=settings.workers,
                    report=report,
                )
        except NotBoundedError as error:
            raise DawnduskError(f"{error}; allowed for such a study: search.engine evolution") from None
    return found, interrupt.noted or found.seconds < seconds


def _exit_code(study: ResolvedStudy, found: Attacked, *, interrupted: bool) -> int:
    """Return the exit code of an attack; say on the error stream why it is not 0."""
    if not show.holds(found):
        click.echo(f"{study.name}: the certificate is contradicted: {show.counted(found)}", err=True)
        return CONTRADICTED
    if interrupted:
        click.echo(f"{study.name}: interrupted after {found.seconds:.1f} s; nothing contradicts it so far", err=True)
        return INTERRUPTED
    return 0


# The result as plain values


def attack_values(study: ResolvedStudy, found: Attacked, seconds: float, *, interrupted: bool) -> dict[str, Any]:
    """Return an attack as plain values, as ``--json`` prints and ``--out`` writes it."""
    return {
        "format": FORMAT,
        "kind": KIND,
        "study": study.name,
        "study_hash": study.hash,
        "problem_hash": problem_hash(problem_of(study)),
        "dawndusk": dawndusk.__version__,
        "model": model_version(),
        "sense": study.sense,
        "objective_name": study.objective,
        "units": OUTCOMES[study.objective].units,
        "held": show.holds(found),
        "certificate": None if found.certified is None else _certificate(study, found.certified),
        "designs": found.designs,
        "feasible": found.feasible,
        "best": found.best,
        "boxes": found.boxes,
        "comparisons": found.comparisons,
        "found": {**dict.fromkeys(show.KINDS, 0), **found.found},
        "contradictions": [_contradiction(one) for one in found.contradictions],
        "seconds_asked": seconds,
        "seconds": found.seconds,
        "seed": found.seed,
        "stopped_by": INTERRUPT if interrupted else TIME_LIMIT,
    }


def _certificate(study: ResolvedStudy, known: DesignResult) -> dict[str, Any]:
    return {
        "status": known.status,
        "claim": show.claim(study, known),
        "objective": known.objective,
        "bound": known.bound,
        "gap": known.gap,
        "gap_asked": known.gap_asked,
        "design": None if known.design is None else known.design.to_dict(),
        "boxes": known.boxes,
        "open_boxes": known.open_boxes,
        "seconds": known.seconds,
        "stopped_by": known.stopped_by,
        "audit": {"verdict": known.verdict, "checks": [dataclasses.asdict(check) for check in known.checks]},
    }


def _contradiction(one: Contradiction) -> dict[str, Any]:
    design = one.design
    return {
        "kind": one.kind,
        "words": one.words,
        "design": None if design is None else design.to_dict(),
        "set": [] if design is None else show.set_items(design),
    }


# The file


def _check_target(file: Path) -> None:
    """Raise ``DawnduskError`` if the result can not go to a file, or would replace something else."""
    label = shorten(str(file), MAX_PLACE)
    if file.suffix != ENDING:
        raise DawnduskError(f"{label}: found the ending {file.suffix!r}; allowed: {ENDING}")
    try:
        if file.is_symlink() or (file.exists() and not _is_result(file)):
            raise DawnduskError(
                f"{label}: found something that is no result of an attack; allowed: a new file, or such a result"
            )
        parent = file.absolute().parent
        while not parent.exists():
            parent = parent.parent
    except OSError as error:
        raise DawnduskError(f"{label}: can not be written: {error.strerror or error}") from None
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise DawnduskError(f"{label}: can not be written, because {parent} is not a writable folder")


def _is_result(file: Path) -> bool:
    with contextlib.suppress(ValueError):
        content = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        return isinstance(content, dict) and content.get("kind") == KIND and "format" in content
    return False


def _write(file: Path, content: dict[str, Any]) -> None:
    """Write the result, whole or not at all."""
    from dawndusk.studies.output.exports.front import write_whole  # noqa: PLC0415 (only for a file)

    write_whole(file, lambda fresh: write_json(fresh, content))
