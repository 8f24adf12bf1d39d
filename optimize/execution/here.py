"""Tasks in this process, one after the other: each begins when it is waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.execution.tasks import Done, Task, call

C = TypeVar("C")


class InThisProcess(Executor[C]):
    """Works on tasks in this process, on the context itself. Nothing is sent, so that nothing is lost on the way."""

    def __init__(self, context: C) -> None:
        super().__init__()
        self._context = context
        self._queue: dict[Task, tuple[Callable[..., Any], tuple[Any, ...]]] = {}

    @property
    def workers(self) -> int:
        """Return 1."""
        return 1

    def _ahead(self) -> int:
        return 1

    def _begin(self, task: Task, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._queue[task] = (function, arguments)

    def _wait(self, timeout_s: float | None) -> Done[Any] | None:
        task = next(iter(self._queue))
        function, arguments = self._queue[task]
        outcome = call(function, self._context, arguments)  # an interrupt leaves the task in the queue
        del self._queue[task]
        return Done(task, outcome.result, outcome.failure, outcome.seconds)

    def _withdraw(self, task: Task) -> None:
        self._queue.pop(task, None)

    def _end(self) -> None:
        self._queue.clear()
