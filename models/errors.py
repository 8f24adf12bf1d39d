"""Errors that a person can cause, as one family the command line turns into exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DawnduskError(Exception):
    """Misuse: says what was found, where, what is allowed and the nearest valid name."""


class DesignError(DawnduskError):
    """A design that can not be evaluated: unknown category, non-finite or out-of-domain value."""


class AssumptionError(DawnduskError):
    """An assumption that is unknown, has the wrong type, or lies outside its domain."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the closest valid name, or an empty string."""
    by_small = {valid.casefold(): valid for valid in allowed}
    close = difflib.get_close_matches(name.casefold(), by_small, n=1, cutoff=0.5)
    return f" (did you mean '{by_small[close[0]]}'?)" if close else ""


def one_of(allowed: Iterable[str]) -> str:
    """Return the valid names as a readable list."""
    return ", ".join(allowed)
