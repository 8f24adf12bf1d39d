"""The one interface through which work goes: tasks are submitted, and told as done when they end.

``function(context, *arguments)`` must be importable. The context is sent once to each worker. What takes long to build
from it is best built on first use and kept on it (``functools.cached_property``); tasks change nothing else of it,
since whether two of them share one is open. Results do not depend on the number of workers where the caller puts them
together in the order of the task numbers, as ``map_in_order`` does.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar, TypeVarTuple

from dawndusk.optimize.execution.tasks import Done, ExecutionError, Task, check_importable

C = TypeVar("C")
T = TypeVar("T")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class Executor(ABC, Generic[C]):
    """Works on tasks. For one thread; a context manager that ends what it started."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._pending: set[Task] = set()
        self._mapped: set[Task] = set()
        """Tasks of a ``map_in_order``, which ``done`` does not tell."""
        self._aside: dict[Task, Done[Any]] = {}
        self._is_open = True

    @property
    @abstractmethod
    def workers(self) -> int:
        """Return how many tasks are worked on at a time."""

    @property
    def pending(self) -> int:
        """Return how many tasks ``done`` has still to tell."""
        return self._unmapped() + sum(task not in self._mapped for task in self._aside)

    def submit(self, function: Callable[[C, *Ts], Any], *arguments: *Ts) -> Task:
        """Hand over a task; it begins when a worker is free.

        Raises
        ------
        ExecutionError
            For a function that can not be imported, arguments that can not be sent, or an executor that was closed.
        """
        check_importable(function)
        if not self._is_open:
            raise ExecutionError("executor: found a task after it was closed; allowed: tasks within its `with` block")
        task = Task(next(self._numbers))
        self._begin(task, function, arguments)
        self._pending.add(task)
        return task

    def done(self, timeout_s: float | None = None) -> Done[Any] | None:
        """Wait for a task to end and return how; nothing when none is left, or after the time.

        In this process a task is worked on here and now, and takes what time it takes.

        Raises
        ------
        ExecutionError
            When workers do not start, or the cluster is gone.
        """
        for task in self._aside:
            if task not in self._mapped:
                return self._aside.pop(task)
        while self._unmapped():
            found = self._next(timeout_s)
            if found is None or found.task not in self._mapped:
                return found
            self._aside[found.task] = found
        return None

    def finished(self) -> Iterator[Done[Any]]:
        """Return tasks as they end until none is left, those submitted meanwhile included."""
        while (found := self.done()) is not None:
            yield found

    def map_in_order(self, function: Callable[[C, T], R], items: Iterable[T]) -> Iterator[Done[R]]:
        """Return how ``function(context, item)`` ended for each item, in their order.

        Items are taken from their source a little ahead of the workers. Other tasks may be pending meanwhile.
        """
        waiting: deque[Task] = deque()
        ahead = self._ahead()
        try:
            for item in items:
                task = self.submit(function, item)
                waiting.append(task)
                self._mapped.add(task)
                while len(waiting) >= ahead:
                    yield self._told_of(waiting[0])
                    waiting.popleft()
            while waiting:
                yield self._told_of(waiting[0])
                waiting.popleft()
        finally:
            for task in waiting:
                self.cancel(task)

    def cancel(self, task: Task) -> None:
        """Forget a task: it is not told as done, and does not begin if it has not begun."""
        self._mapped.discard(task)
        self._aside.pop(task, None)
        if task in self._pending:
            self._pending.discard(task)
            self._withdraw(task)

    def close(self) -> None:
        """End promptly, with whatever is being worked on, and leave no process behind."""
        if self._is_open:
            self._is_open = False
            self._pending.clear()
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unmapped(self) -> int:
        """Return how many tasks have not ended, those of maps left out."""
        return len(self._pending) - sum(task in self._pending for task in self._mapped)

    def _told_of(self, task: Task) -> Done[Any]:
        """Wait for one task, put others aside, and let go of it."""
        while task not in self._aside:
            found = self._next(None)
            assert found is not None
            self._aside[found.task] = found
        self._mapped.discard(task)
        return self._aside.pop(task)

    def _next(self, timeout_s: float | None) -> Done[Any] | None:
        """Return the next task that ends, those that were cancelled passed over."""
        while (found := self._wait(timeout_s)) is not None:
            if found.task in self._pending:
                self._pending.discard(found.task)
                return found
        return None

    def _ahead(self) -> int:
        """Return how many tasks of a map are handed over before the first is waited for."""
        return 2 * self.workers

    @abstractmethod
    def _begin(self, task: Task, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Put a task in the queue."""

    @abstractmethod
    def _wait(self, timeout_s: float | None) -> Done[Any] | None:
        """Return the next task that ends, or nothing after the time. Some task is pending."""

    @abstractmethod
    def _withdraw(self, task: Task) -> None:
        """Take a task out of the queue if it is there still."""

    @abstractmethod
    def _end(self) -> None:
        """End every worker."""
