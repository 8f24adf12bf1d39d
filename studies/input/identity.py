"""What a proof is a proof of: the problem without names and search settings, and the version of the model."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import dawndusk
from dawndusk import models
from dawndusk.models.assumptions import CATALOGUES, GROUPS
from dawndusk.optimize.problem import Choice, Entry, Problem, Range

DIGEST_LETTERS = 16


@functools.cache
def model_version() -> str:
    """Return the version of the package and a digest of the model's source, as ``0.1.0+1234...``.

    A bound holds for the physics that it was proved in, so a proof goes no further than the source of ``models``.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(models.__path__[0]).resolve().rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{dawndusk.__version__}+{digest.hexdigest()[:DIGEST_LETTERS]}"


def problem_hash(problem: Problem) -> str:
    """Return the SHA-256 of what decides the best design: assumptions, space, objective, sense and bounds.

    Names, texts, nominal values and the search section have no part in it.
    """
    return _digest({**_believed_and_asked(problem), **region(problem)})


def question_hash(problem: Problem) -> str:
    """Return the SHA-256 of what is believed and asked, whatever the ranges and bounds.

    Of problems that have it in common, a bound that is proved of one holds for each design of another that lies in the
    region of the first.
    """
    return _digest(_believed_and_asked(problem))


def region(problem: Problem) -> dict[str, Any]:
    """Return which designs a problem admits, as plain values: its space, and the bounds on outcomes."""
    return {
        "space": {name: _plain_entry(entry) for name, entry in problem.space.items()},
        "satellites_follow_demand": problem.satellites_follow_demand,
        "bounds": sorted([bound.outcome, bound.operator, float(bound.value)] for bound in problem.bounds),
    }


def _believed_and_asked(problem: Problem) -> dict[str, Any]:
    assumptions = problem.assumptions
    return {
        "assumptions": {name: _plain(getattr(assumptions, name)) for name in (*GROUPS, *CATALOGUES, "data")},
        "workload": [assumptions.workload, assumptions.training_run],
        "objective": [problem.sense, problem.objective],
    }


def _digest(stated: Mapping[str, Any]) -> str:
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain_entry(entry: Entry) -> Any:
    if isinstance(entry, Range):
        return [float(entry.low), float(entry.high)]
    return sorted(entry.names) if isinstance(entry, Choice) else _plain(entry.value)


def _plain(value: Any) -> Any:
    """Return a dataclass, mapping or array as what JSON can hold, every number as a float."""
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return float(value) if isinstance(value, int | float) else value
