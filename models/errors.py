"""Errors that a person can cause, as one family the command line turns into exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LEAST_LIKENESS = 0.5
"""Share of its letters that a name has in common with one that is offered in its place."""


class DawnduskError(Exception):
    """Misuse: says what was found, where, what is allowed and the nearest valid name."""


class DesignError(DawnduskError):
    """A design that can not be evaluated: unknown category, non-finite or out-of-domain value."""


class AssumptionError(DawnduskError):
    """An assumption that is unknown, has the wrong type, or lies outside its domain."""


class ContradictionError(AssumptionError):
    """Assumptions that are each in their domain but can not hold together."""

    def __init__(self, key: str, found: str, allowed: str) -> None:
        super().__init__(f"{key}: found {found}; allowed {allowed}")
        self.key, self.found, self.allowed = key, found, allowed


class MissingExtraError(DawnduskError):
    """A library that an extra brings is not installed."""

    def __init__(self, where: str, library: str | None, extra: str, instead: str = "") -> None:
        instead = instead and f", or {instead}"
        super().__init__(f"{where}: found no library {library!r}; allowed: pip install 'dawndusk[{extra}]'{instead}")


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the closest valid name, or an empty string."""
    by_small = {valid.casefold(): valid for valid in allowed}
    close = difflib.get_close_matches(name.casefold(), by_small, n=1, cutoff=LEAST_LIKENESS)
    return f" (did you mean '{by_small[close[0]]}'?)" if close else ""


def one_of(allowed: Iterable[str]) -> str:
    """Return the valid names as a readable list."""
    return ", ".join(allowed)
