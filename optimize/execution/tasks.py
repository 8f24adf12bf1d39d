"""What goes through an executor: tasks, and how each ended. A task that fails is data; misuse is an exception."""

from __future__ import annotations

import time
import traceback as tracebacks
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

from dawndusk.models.errors import DawnduskError

R = TypeVar("R")
FailureKind: TypeAlias = Literal["error", "died", "timeout", "payload"]


class ExecutionError(DawnduskError):
    """An executor that can not do what is asked: not importable, no such cluster, workers that do not start."""


class TaskError(DawnduskError):
    """A task that failed, for callers that asked for its value."""


@dataclass(frozen=True)
class Task:
    """A task as its owner knows it. ``number`` counts from 0 in the order of submitting."""

    number: int


@dataclass(frozen=True)
class TaskFailure:
    """Why a task has no result.

    Attributes
    ----------
    kind : str
        ``error``: it raised. ``died``: its worker ended, at every attempt. ``timeout``: it ran into its time limit.
        ``payload``: what it was given or what it returned can not be sent between processes.
    words : str
        For a person, in one line or a few.
    traceback : str
        Where it raised, as Python prints it.
    error : Exception, optional
        What it raised, where that can be sent between processes.
    """

    kind: FailureKind
    words: str
    traceback: str = ""
    error: Exception | None = None

    def exception(self) -> Exception:
        """Return what to raise: what the task raised, or a ``TaskError`` with the words."""
        if self.error is None:
            return TaskError(self.words)
        if self.traceback and self.error.__traceback__ is None:
            self.error.add_note(f"In a worker:\n{self.traceback.rstrip()}")
        return self.error


@dataclass(frozen=True)
class AttemptOutcome:
    """How one attempt at a task ended, and its seconds in the function itself."""

    result: Any = None
    failure: TaskFailure | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Done(Generic[R]):
    """A task that has ended: a result, or a failure; the seconds and the number of the last attempt."""

    task: Task
    result: R | None = None
    failure: TaskFailure | None = None
    seconds: float = 0.0
    attempts: int = 1

    def value(self) -> R:
        """Return the result, or raise what the task raised, or ``TaskError``."""
        if self.failure is not None:
            raise self.failure.exception()
        return cast("R", self.result)


def call(function: Callable[..., Any], context: object, arguments: tuple[Any, ...]) -> AttemptOutcome:
    """Call a task's function and return how that ended. Only an interrupt gets through."""
    begin = time.perf_counter()
    try:
        result = function(context, *arguments)
    except (Exception, SystemExit) as error:
        return AttemptOutcome(failure=failure_of(error), seconds=time.perf_counter() - begin)
    return AttemptOutcome(result, seconds=time.perf_counter() - begin)


def failure_of(error: BaseException) -> TaskFailure:
    """Return an exception as data."""
    words = "".join(tracebacks.format_exception_only(error)).strip()
    where = "".join(tracebacks.format_exception(error))
    return TaskFailure("error", words, where, error if isinstance(error, Exception) else None)


def check_importable(function: Callable[..., Any]) -> None:
    """Raise ``ExecutionError`` for a function that another process can not import."""
    name = getattr(function, "__qualname__", repr(function))
    module = getattr(function, "__module__", None)
    if module == "__main__":
        raise ExecutionError(
            f"task {name}: found in the script that was started; allowed: a function of a module, which workers import"
        )
    if "<" in name or module is None:
        raise ExecutionError(f"task {name}: found a function within another; allowed: one at the top of a module")
