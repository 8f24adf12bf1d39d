"""What the tests of executors have done for them, in a module that workers can import."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray


class Builds:
    """A context that builds something once and counts how often."""

    def __init__(self, base: int, log: Path) -> None:
        self.base, self.log = base, log

    @cached_property
    def built(self) -> int:
        with self.log.open("a") as stream:
            stream.write(f"{os.getpid()}\n")
        return self.base * 100


class Refuses:
    """A context that can be sent and not taken in."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return int, ("not a number",)


class Picky(Exception):  # noqa: N818 (an exception that does not come out of a pickle)
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def add(context: int, one: int, other: int = 0) -> int:
    return context + one + other


def built(context: Builds, number: int) -> int:
    return context.built + number


def total(context: object, array: NDArray[np.float64]) -> float:
    return float(array.sum())


def zeros(context: object, count: int) -> NDArray[np.float64]:
    return np.zeros(count)


def process_number(context: object, _: int = 0) -> int:
    return os.getpid()


def environment(context: object, name: str) -> str | None:
    return os.environ.get(name)


def nap(context: object, seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def sleepy_square(context: object, number: int) -> int:
    time.sleep(0.02 * (number % 3))
    return number * number


def divide(context: object, number: float) -> float:
    return 1.0 / number


def raise_picky(context: object) -> NoReturn:
    raise Picky("one", "two")


def leave(context: object) -> NoReturn:
    sys.exit("leaving")


def interrupt(context: object) -> NoReturn:
    raise KeyboardInterrupt


def chatter(context: object, words: str) -> str:
    print(words, flush=True)
    os.write(1, words.encode())
    return words


def read_input(context: object) -> str:
    return sys.stdin.read()


def unsendable(context: object) -> Any:
    return lambda: None


def die(context: object, _: int = 0) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def crash(context: object) -> None:
    ctypes.string_at(0)


def exit_at_once(context: object) -> NoReturn:
    os._exit(3)


def die_first(context: object, mark: str) -> int:
    """End the process the first time, and return its number the second."""
    path = Path(mark)
    if not path.exists():
        path.write_text(str(os.getpid()))
        die(context)
    return os.getpid()


def die_or_add(context: int, number: int) -> int:
    return die(context) if number == 0 else context + number


def note_and_nap(context: object, folder: str, number: int, seconds: float) -> int:
    """Say which process works, and take a while."""
    path = Path(folder) / f"{number}-{os.getpid()}"
    path.touch()
    time.sleep(seconds)
    return number


def start_and_nap(context: object, mark: str) -> None:
    """Start a process of one's own, and wait for it for long."""
    child = subprocess.Popen(["sleep", "600"])
    Path(mark).write_text(str(child.pid))
    child.wait()


def fork_and_die(context: object, mark: str) -> None:
    """Fork a process that holds every pipe open, and die."""
    child = os.fork()
    if child == 0:
        time.sleep(600)
    Path(mark).write_text(str(child))
    die(context)
