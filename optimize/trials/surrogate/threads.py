"""One thread of linear algebra: matrices of a few hundred rows gain nothing from more, and lose on a busy machine.

It also keeps the order of every sum, and so what a sampler names, from depending on how many cores there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the linear algebra of every library that is loaded by now in one thread."""
    with threadpool_limits(limits=1):
        yield
