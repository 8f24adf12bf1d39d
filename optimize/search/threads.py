"""One thread of linear algebra: matrices of a few hundred rows gain nothing from more, and lose on a busy machine.

It also keeps the order of every sum, and so what a sampler names, from depending on how many cores there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - looks at every library that is loaded by now

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run linear algebra in one thread."""
    with _controller().limit(limits=1):
        yield
