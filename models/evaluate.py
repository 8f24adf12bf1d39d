"""Evaluating designs: a batch of N designs in, N outcomes and graded rule violations out.

The model (``models.columns``) is recorded once for a set of assumptions and then run on batches in chunks that stay in
the processor's cache.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.columns import evaluate_columns
from dawndusk.models.design import NUMBERS, Design, DesignBatch
from dawndusk.models.outcome import OUTCOMES, Outcome, known_outcome
from dawndusk.models.program import Program
from dawndusk.models.rows import check_names, recorded_rows, rows_of, shared_names
from dawndusk.models.rules import RULES, Rule, Subject
from dawndusk.models.trace import Graph

__all__ = ["CHUNK", "Evaluation", "RuleReport", "evaluate", "evaluate_columns", "rule_reports"]

CHUNK = 8192
MOST_RECORDINGS = 16
MOST_BOUND = 2048


@dataclass(frozen=True)
class Evaluation:
    """Outcomes and rule violations of N designs.

    ``violation`` maps each rule to an array of shape (N,): positive where the rule is broken, otherwise the
    relative margin with a minus sign.
    """

    outcome: Outcome
    violation: Mapping[str, NDArray[np.float64]]

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Return which designs meet every rule, shape (N,)."""
        return self.total_violation <= 0.0

    @property
    def total_violation(self) -> NDArray[np.float64]:
        """Return the sum of the positive violations, shape (N,)."""
        total = np.zeros(len(next(iter(self.violation.values()))))
        for violation in self.violation.values():
            total += np.maximum(violation, 0.0)
        return total


def evaluate(
    designs: Design | DesignBatch, assumptions: Assumptions, keep: Collection[str] | None = None
) -> Evaluation:
    """Evaluate one design or a batch in the full model.

    Parameters
    ----------
    designs : Design or DesignBatch
        N designs; one design is a batch of one.
    assumptions : Assumptions
        What is believed.
    keep : collection of str, optional
        Outcomes to keep; all by default. The whole model is evaluated either way.

    Raises
    ------
    DesignError
        For a value outside its domain or a category that is in no catalogue. A design that breaks a rule is
        evaluated all the same; the violation says by how much.
    UnknownOutcomeError
        For a name in ``keep`` that is no outcome.
    """
    batch = designs if isinstance(designs, DesignBatch) else DesignBatch.of(designs)
    batch.check()
    check_names(assumptions, batch)
    kept = tuple(OUTCOMES) if keep is None else tuple(dict.fromkeys(known_outcome(name) for name in keep))
    # One block for all results: the system maps a large one in large pages, which costs a third of the time.
    arrays = np.empty((len(kept) + len(RULES), len(batch)))
    outcome = dict(zip(kept, arrays, strict=False))
    violation = dict(zip(RULES, arrays[len(kept) :], strict=True))
    recording = _recorded(assumptions, batch.names["orbit"])
    for start in range(0, len(batch), CHUNK):
        part = slice(start, start + CHUNK)
        chunk = batch.take(part) if len(batch) > CHUNK else batch
        recording.run(chunk, kept, [array[part] for array in arrays])
    return Evaluation(Outcome(outcome), violation)


class _Recording:
    """The model recorded for one set of assumptions and orbits, and the programs made of it so far."""

    def __init__(self, assumptions: Assumptions, orbits: tuple[str, ...]) -> None:
        self.assumptions = assumptions
        self.rules = tuple(RULES.values())
        self.graph = Graph()
        design = {name: self.graph.input(name) for name in NUMBERS}
        columns, broken = evaluate_columns(design, recorded_rows(self.graph, assumptions, orbits), assumptions)
        self.outcome = {name: self.graph.number(column) for name, column in columns.items()}
        self.violation = {name: self.graph.number(column) for name, column in broken.items()}
        self.programs: dict[tuple[tuple[str, ...], bool], Program] = {}
        self.bound: dict[tuple[object, ...], list[Any]] = {}

    def program(self, kept: tuple[str, ...], *, varying: bool) -> Program:
        """Return the program that leads to the kept outcomes and all rules."""
        key = (kept, varying)
        if key not in self.programs:
            results = [*(self.outcome[name] for name in kept), *(self.violation[name] for name in RULES)]
            self.programs[key] = Program(self.graph, results, varying=varying)
        return self.programs[key]

    def run(self, chunk: DesignBatch, kept: tuple[str, ...], arrays: list[NDArray[np.float64]]) -> None:
        """Evaluate one chunk into its arrays; what its categories fix is worked out once for each combination."""
        shared = shared_names(chunk)
        program = self.program(kept, varying=shared is None)
        if shared is None:
            values = program.bind(rows_of(self.assumptions, chunk).fields())
        else:
            key = (kept, *shared)
            if key not in self.bound:
                if len(self.bound) >= MOST_BOUND:
                    self.bound.clear()
                self.bound[key] = program.bind(rows_of(self.assumptions, chunk).fields())
            values = self.bound[key].copy()
        program.run(values, chunk.values, arrays)


def _recorded(assumptions: Assumptions, orbits: tuple[str, ...]) -> _Recording:
    """Return the recording for these assumptions, made on first use; a few are kept in each thread."""
    known: OrderedDict[tuple[int, tuple[str, ...]], _Recording] = _local.__dict__.setdefault("known", OrderedDict())
    key = (id(assumptions), orbits)
    found = known.get(key)
    if found is None or found.assumptions is not assumptions or found.rules != tuple(RULES.values()):
        found = known[key] = _Recording(assumptions, orbits)
        while len(known) > MOST_RECORDINGS:
            known.popitem(last=False)
    known.move_to_end(key)
    return found


_local = threading.local()


@dataclass(frozen=True)
class RuleReport:
    """One rule on one design: what was compared, in the rule's units, and the graded violation."""

    rule: Rule
    value: float
    limit: float
    violation: float


def rule_reports(design: Design, assumptions: Assumptions) -> list[RuleReport]:
    """Return every rule with the value and the limit that it compares for one design."""
    batch = DesignBatch.of(design)
    rows = rows_of(assumptions, batch)
    columns, _ = evaluate_columns(batch.values, rows, assumptions)
    subject = Subject(columns, batch.values, rows, assumptions)
    reports = []
    for rule in RULES.values():
        value, limit = (float(np.ravel(side)[0]) for side in rule.compare(subject))
        reports.append(RuleReport(rule, value, limit, float(np.ravel(rule.violation(subject))[0])))
    return reports
