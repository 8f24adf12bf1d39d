"""Evaluators from outside: a program that reads a design and answers with outcomes, or a Python function.

A program gets one design as a JSON object on standard input, and writes one JSON object to standard output: outcomes by
name, or ``{"failed": "why"}``. Whatever else it does is a failure of that design, with a kind to count by.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import math
import numbers
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.question import Failure, TrialAnswer
from dawndusk.studies.run.trials.programs import MOST_OUTPUT_BYTES, Ended, run_limited

TIMEOUT, EXIT, NOT_JSON, TOO_MUCH, NO_PROGRAM = "timeout", "exit status", "not JSON", "too much output", "no program"
MISSING, NOT_A_NUMBER, TOLD, RAISED = "missing outcome", "not a number", "told", "exception"
RETRIED = {TIMEOUT, EXIT, NOT_JSON, TOO_MUCH, RAISED}
"""Failures that another attempt may not have."""
FAILED = "failed"
"""Key under which an evaluator says that, and why, it has no outcomes."""
TIMEOUT_S = 3600.0
MOST_SHOWN = 300
ENTRY_POINT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
KEY = "search.evaluator"


class EvaluatorError(DawnduskError):
    """An evaluator that can not be used: no such program, module or function, or code that was not allowed."""


@dataclass(frozen=True)
class ProgramEvaluator:
    """A program that is started for each design.

    Attributes
    ----------
    command : tuple of str
        The program and its arguments; no shell sees them.
    needed : tuple of str
        Outcomes that it has to answer with.
    timeout_s : float
        After which it is ended, with all that it started.
    retries : int
        Attempts after one that timed out, failed or printed what can not be read.
    """

    command: tuple[str, ...]
    needed: tuple[str, ...]
    timeout_s: float = TIMEOUT_S
    retries: int = 0

    def __call__(self, points: Sequence[Point]) -> list[TrialAnswer]:
        """Return the program's answer to each design."""
        return [self._answer(point) for point in points]

    def _answer(self, point: Point) -> TrialAnswer:
        return _persistent(lambda: self._attempt(point), self.retries)

    def _attempt(self, point: Point) -> TrialAnswer:
        try:
            ended = run_limited(self.command, json.dumps(dict(point)).encode() + b"\n", self.timeout_s)
        except OSError as error:
            return failed(NO_PROGRAM, f"{self.command[0]}: {error.strerror or error}")
        if ended.cut == "time":
            return failed(TIMEOUT, f"no answer after {self.timeout_s:g} s{_tail(ended)}")
        if ended.cut == "output":
            return failed(TOO_MUCH, f"more than {MOST_OUTPUT_BYTES} bytes on standard output")
        if ended.status != 0:
            return failed(EXIT, f"exit status {ended.status}{_tail(ended)}")
        try:
            found = json.loads(ended.output)
        except (ValueError, RecursionError):
            return failed(
                NOT_JSON, f"found {_shown(ended.output)} on standard output; allowed: one JSON object{_tail(ended)}"
            )
        return answer_from(found, self.needed)


@dataclass(frozen=True)
class FunctionEvaluator:
    """A Python function that takes a design as a dict and returns outcomes as one.

    Attributes
    ----------
    name : str
        ``module:function``.
    needed : tuple of str
        Outcomes that it has to answer with.
    folder : str
        Where its module is looked for first.
    retries : int
        Attempts after one that raised.
    """

    name: str
    needed: tuple[str, ...]
    folder: str
    retries: int = 0

    def __call__(self, points: Sequence[Point]) -> list[TrialAnswer]:
        """Return the function's answer to each design."""
        function = find_function(self.name, self.folder)
        return [_persistent(functools.partial(self._attempt, function, point), self.retries) for point in points]

    def _attempt(self, function: Callable[[dict[str, Any]], Any], point: Point) -> TrialAnswer:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                found = function(dict(point))
        except (Exception, SystemExit) as error:
            return failed(RAISED, f"{type(error).__name__}: {error}")
        return answer_from(found, self.needed)


def _persistent(attempt: Callable[[], TrialAnswer], retries: int) -> TrialAnswer:
    """Return the answer of the first attempt that does not fail in a way that another may not, or of the last."""
    answer = attempt()
    for _ in range(retries):
        if answer.failure is None or answer.failure.kind not in RETRIED:
            break
        answer = attempt()
    return answer


def answer_from(found: object, needed: Iterable[str]) -> TrialAnswer:
    """Return what an evaluator said as an answer, a failure where an outcome is missing or no finite number."""
    if not isinstance(found, Mapping):
        return failed(NOT_JSON, f"found {_shown(found)}; allowed: an object of outcomes by name")
    if FAILED in found:
        return failed(TOLD, str(found[FAILED]))
    for name in needed:
        if name not in found:
            close = nearest(name, map(str, found))
            return failed(MISSING, f"{name}: found none among {one_of(map(str, found)) or 'no outcomes'}{close}")
        if not math.isfinite(_number(found[name])):
            return failed(NOT_A_NUMBER, f"{name}: found {_shown(found[name])}; allowed a finite number")
    return TrialAnswer({str(name): _number(value) for name, value in found.items() if _is_number(value)})


def failed(kind: str, words: str) -> TrialAnswer:
    """Return an answer that is a failure."""
    return TrialAnswer(failure=Failure(kind, words))


def read_evaluator(
    stated: str | Sequence[str],
    needed: Iterable[str],
    *,
    allow_code: bool = False,
    timeout_s: float = TIMEOUT_S,
    retries: int = 0,
) -> ProgramEvaluator | FunctionEvaluator:
    """Return the evaluator that a study states.

    Parameters
    ----------
    stated : str or sequence of str
        ``module:function``, or a program with its arguments as a list, or as text that is split as a shell does it.
    needed : iterable of str
        Outcomes that it has to answer with.
    allow_code : bool
        Whether the owner of the study allows it to name Python code.

    Raises
    ------
    EvaluatorError
        With what is allowed, before anything is evaluated.
    """
    if isinstance(stated, str) and ENTRY_POINT.fullmatch(stated):
        if not allow_code:
            raise EvaluatorError(
                f"{KEY}: found Python code, {stated}; allowed only with --allow-code, since a study file can come "
                "from anyone"
            )
        folder = str(Path.cwd())
        find_function(stated, folder)
        return FunctionEvaluator(stated, tuple(needed), folder, retries)
    return ProgramEvaluator(_program(stated), tuple(needed), timeout_s, retries)


def _program(stated: str | Sequence[str]) -> tuple[str, ...]:
    try:
        words = shlex.split(stated) if isinstance(stated, str) else list(stated)
    except ValueError as error:
        raise EvaluatorError(f"{KEY}: found {stated!r} ({error}); allowed: a program and its arguments") from None
    if not words:
        raise EvaluatorError(f"{KEY}: found no program; allowed: a program and its arguments, or module:function")
    place = shutil.which(words[0])
    if place is None:
        raise EvaluatorError(
            f"{KEY}: found {words[0]!r}, which is no program that can be run; allowed: a program on the path or the "
            "path of one"
        )
    return (str(Path(place).absolute()), *words[1:])


@functools.cache
def find_function(name: str, folder: str) -> Callable[[dict[str, Any]], Any]:
    """Return the function that an entry point names, from a module in a folder or one that is installed.

    Raises
    ------
    EvaluatorError
        Where there is no such module, or no such function in it.
    """
    module_name, _, attribute = name.partition(":")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise EvaluatorError(
            f"{KEY}: module {module_name} can not be imported ({type(error).__name__}: {error}); allowed: a module in "
            f"{folder} or one that is installed"
        ) from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise EvaluatorError(f"{KEY}: found no {part} in {module_name}{nearest(part, dir(found))}")
        found = getattr(found, part)
    if not callable(found):
        raise EvaluatorError(f"{KEY}: found {name}, which is no function; allowed: a function of one design")
    return found  # type: ignore[no-any-return]


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _number(value: Any) -> float:
    try:
        return float(value) if _is_number(value) else math.nan
    except OverflowError:
        return math.inf


def _shown(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else repr(value)
    text = " ".join(text.split())
    return (text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}...") or "nothing"


def _tail(ended: Ended) -> str:
    """Return the end of what a program wrote to standard error."""
    text = " ".join(ended.errors.decode(errors="replace").split())
    return f"; it wrote: {text[-MOST_SHOWN:]}" if text else ""
