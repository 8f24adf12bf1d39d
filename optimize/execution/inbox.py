"""What other threads leave for the owner's: looked at before it is taken, so that an interrupt loses nothing."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue into which any thread puts, and out of which one takes."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Put something at the end."""
        with self._changed:
            self._items.append(item)
            self._changed.notify()

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until something is there, for so long at most, and return whether it is."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: self._items, timeout_s))

    @property
    def first(self) -> T:
        """Return what came first; it stays until it is taken."""
        return self._items[0]

    def all(self) -> list[T]:
        """Return everything that is there; it stays until it is taken."""
        with self._changed:
            return list(self._items)

    def take(self) -> None:
        """Take out the first."""
        self._items.popleft()
