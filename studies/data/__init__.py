"""The shipped assumptions, and how a study changes them.

Every value lives in a CSV file of this folder with its units, range, source, year and confidence. Precedence,
lowest first: the shipped files, a user's own file of the same columns (``read_rows``, ``with_rows``), single
values that a study sets (``with_values``).
"""

from __future__ import annotations

import functools
from importlib.resources import files

from dawndusk.models.assumptions import Assumptions
from dawndusk.studies.data.build import read_assumptions, with_rows, with_values
from dawndusk.studies.data.rows import COLUMNS, read_rows

__all__ = ["COLUMNS", "default_assumptions", "read_assumptions", "read_rows", "with_rows", "with_values"]

DEFAULT_WORKLOAD = "training"
DEFAULT_TRAINING_RUN = "gpt5_class"


@functools.cache
def default_assumptions() -> Assumptions:
    """Return the shipped assumptions for training, with a GPT-5-class run; read once, shared afterwards."""
    return read_assumptions(files(__name__), workload=DEFAULT_WORKLOAD, training_run=DEFAULT_TRAINING_RUN)
