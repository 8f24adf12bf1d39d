"""The nine problems of the suite by name."""

from __future__ import annotations

from benchmarks.suite.case import Case
from benchmarks.suite.orbital import orbital
from benchmarks.suite.published import published
from benchmarks.suite.scales import SCALES


def cases() -> dict[str, Case]:
    """Return the problems by name."""
    return {case.name: case for case in (*published(SCALES), orbital(SCALES["orbital"]))}
