"""What every sampler is: a rule that names the next points from what is known so far."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Protocol

from dawndusk.models.errors import MissingExtraError
from dawndusk.optimize.space.dimensions import Point, Value
from dawndusk.optimize.trials.question import History


class Sampler(Protocol):
    """Names points to evaluate. What it names depends on its arguments alone, so that a search can be taken up again.

    A sampler may keep what it computed from a history for the next call, but must name the same points without.
    """

    name: str

    def propose(
        self, history: History, count: int, *, seed: int, batch: int, pending: Sequence[Point] = ()
    ) -> list[dict[str, Value]]:
        """Return ``count`` points to evaluate next.

        Parameters
        ----------
        history : History
            What is known: in a reproducible search the answers of every earlier batch and no other.
        count : int
            How many points to name.
        seed, batch : int
            Seed the random numbers, together: the seed of the search and the number of this batch.
        pending : sequence of Point
            Points that are being evaluated, to be kept away from.
        """


def require(sampler: str, package: str, extra: str) -> None:
    """Raise ``MissingExtraError`` where a package that a sampler needs is not installed."""
    if find_spec(package) is None:
        raise MissingExtraError(f"search.sampler: {sampler}", package, extra, "another sampler")
