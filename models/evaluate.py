"""Evaluating designs: a batch of N designs in, N outcomes and graded rule violations out.

The model (``models.columns``) is recorded once, with everything that is believed as parameters
(``models.parameters``), and then run on batches in chunks that stay in the processor's cache. What follows from the
assumptions alone is worked out once for each set of them, not for each design.
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
from dawndusk.models.errors import AssumptionError
from dawndusk.models.outcome import OUTCOMES, Outcome, known_outcome
from dawndusk.models.recording.parameters import Structure, assumption_parameters, recorded_assumptions, structure_of
from dawndusk.models.recording.program import Program
from dawndusk.models.recording.rows import check_names, parameter_rows, rows_of, shared_names
from dawndusk.models.recording.samples import AssumptionSamples, with_numbers
from dawndusk.models.recording.surroundings import recorded_surroundings, surroundings, table_parameters
from dawndusk.models.recording.trace import Graph
from dawndusk.models.rules import RULES, Rule, RuleSubject

__all__ = ["CHUNK", "Evaluation", "RuleReport", "evaluate", "evaluate_columns", "rule_reports"]

CHUNK = 8192
MOST_RECORDINGS = 16
MOST_PROGRAMS = 64
MOST_SETS = 16
MOST_BOUND = 1024
"""What is kept for reuse: structures, programs of one, sets of assumptions, and combinations of categories of one."""


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
    designs: Design | DesignBatch, beliefs: Assumptions | AssumptionSamples, keep: Collection[str] | None = None
) -> Evaluation:
    """Evaluate one design or a batch in the full model.

    Parameters
    ----------
    designs : Design or DesignBatch
        N designs; one design is a batch of one.
    beliefs : Assumptions or AssumptionSamples
        What is believed of all designs; or N sets of assumptions, one for each design. One design is evaluated
        under each of N sets, and one set holds for each of N designs.
    keep : collection of str, optional
        Outcomes to keep; all by default. The whole model is evaluated either way.

    Returns
    -------
    Evaluation
        Outcomes and violations of shape (N,).

    Raises
    ------
    DesignError
        For a value outside its domain or a category that is in no catalogue. A design that breaks a rule is
        evaluated all the same; the violation says by how much.
    AssumptionError
        For another number of sets than of designs.
    UnknownOutcomeError
        For a name in ``keep`` that is no outcome.

    Notes
    -----
    A change of numbers in the assumptions costs no new recording. Where sets differ in a number that is structural
    (``models.parameters.STRUCTURAL``), those that have it in common are evaluated together: a launch year or a stated
    demand makes a few such parts; a solar flux, a disposal altitude or an orbit that is another in every set makes a
    part of each, with its own tables.
    """
    batch = designs if isinstance(designs, DesignBatch) else DesignBatch.of(designs)
    batch.check()
    if isinstance(beliefs, AssumptionSamples):
        batch, beliefs = _paired(batch, beliefs)
    check_names(beliefs.assumptions if isinstance(beliefs, AssumptionSamples) else beliefs, batch)
    kept = tuple(OUTCOMES) if keep is None else tuple(dict.fromkeys(known_outcome(name) for name in keep))
    # One block for all results: the system maps a large one in large pages, which costs a third of the time.
    arrays = np.empty((len(kept) + len(RULES), len(batch)))
    outcome = dict(zip(kept, arrays, strict=False))
    violation = dict(zip(RULES, arrays[len(kept) :], strict=True))
    if isinstance(beliefs, AssumptionSamples):
        _evaluate_samples(batch, beliefs, kept, arrays)
    else:
        _bound(beliefs, batch.names["orbit"]).run(batch, {}, kept, arrays)
    return Evaluation(Outcome(outcome), violation)


def _paired(batch: DesignBatch, samples: AssumptionSamples) -> tuple[DesignBatch, Assumptions | AssumptionSamples]:
    """Return a batch and assumptions of one length; the one design or the one set holds for all."""
    if len(samples) == len(batch):
        return batch, samples
    if len(samples) == 1:
        return batch, samples[0]
    if len(batch) == 1:
        return batch.take(np.zeros(len(samples), dtype=np.intp)), samples
    raise AssumptionError(f"found {len(samples)} sets of assumptions for {len(batch)} designs; allowed: 1 or as many")


def _evaluate_samples(
    batch: DesignBatch, samples: AssumptionSamples, kept: tuple[str, ...], arrays: NDArray[np.float64]
) -> None:
    """Evaluate each design with its own set of assumptions, those of one structure together."""
    orbits = batch.names["orbit"]
    for sets, shared in samples.parts(orbits):
        bound = _Bound(shared, orbits)
        if sets is None:
            bound.run(batch, samples.columns, kept, arrays)
        else:
            found = np.empty((len(arrays), len(sets)))
            bound.run(batch.take(sets), {key: column[sets] for key, column in samples.columns.items()}, kept, found)
            arrays[:, sets] = found


class _Recording:
    """The model with its rules recorded for one structure of assumptions, and the programs made of it so far."""

    def __init__(self, assumptions: Assumptions) -> None:
        self.graph, self.rules = Graph(), tuple(RULES.values())
        design = {name: self.graph.input(name) for name in NUMBERS}
        rows = parameter_rows(self.graph, recorded_surroundings(self.graph))
        columns, broken = evaluate_columns(design, rows, recorded_assumptions(self.graph, assumptions))
        self.outcome = {name: self.graph.number(column) for name, column in columns.items()}
        self.violation = {name: self.graph.number(column) for name, column in broken.items()}
        self.programs: OrderedDict[tuple[tuple[str, ...], frozenset[str]], Program] = OrderedDict()

    def program(self, kept: tuple[str, ...], varying: frozenset[str]) -> Program:
        """Return the program that leads to the kept outcomes and all rules, with some parameters as columns."""
        key = (kept, varying)
        if key not in self.programs:
            results = [*(self.outcome[name] for name in kept), *(self.violation[name] for name in RULES)]
            self.programs[key] = Program(self.graph, results, varying=varying)
            if len(self.programs) > MOST_PROGRAMS:
                self.programs.popitem(last=False)
        self.programs.move_to_end(key)
        return self.programs[key]


class _Bound:
    """A recording with the numbers of one set of assumptions and the tables of its orbits."""

    def __init__(self, assumptions: Assumptions, orbits: tuple[str, ...]) -> None:
        self.assumptions = assumptions
        self.tables = surroundings(assumptions, orbits)
        self.recording = _recorded(assumptions)
        self.values: dict[tuple[object, ...], tuple[Program, list[Any]]] = {}

    def run(
        self,
        batch: DesignBatch,
        columns: Mapping[str, NDArray[np.float64]],
        kept: tuple[str, ...],
        arrays: NDArray[np.float64],
    ) -> None:
        """Evaluate a batch into its arrays in chunks; ``columns`` are the numbers of its own that each design has."""
        for start in range(0, len(batch), CHUNK):
            part = slice(start, start + CHUNK)
            chunk = batch.take(part) if len(batch) > CHUNK else batch
            own = {key: column[part] for key, column in columns.items()}
            self._run(chunk, own, kept, [array[part] for array in arrays])

    def _run(
        self,
        chunk: DesignBatch,
        own: Mapping[str, NDArray[np.float64]],
        kept: tuple[str, ...],
        arrays: list[NDArray[np.float64]],
    ) -> None:
        """Evaluate one chunk; what its categories and the assumptions fix is worked out once for each combination."""
        shared = shared_names(chunk)
        known = self.values.get((kept, shared))
        inputs = chunk.values
        if known is None or own or None in shared:
            assumptions = with_numbers(self.assumptions, own) if own else self.assumptions
            parameters = rows_of(assumptions, chunk, self.tables).fields()
            if known is None or own:
                parameters.update(assumption_parameters(assumptions))
            varying = {name: value for name, value in parameters.items() if isinstance(value, np.ndarray)}
            inputs = {**inputs, **varying}
            if known is None:
                program = self.recording.program(kept, frozenset(varying))
                known = program, program.bind({**parameters, **table_parameters(self.tables)})
                if len(self.values) >= MOST_BOUND:
                    self.values.clear()
                self.values[kept, shared] = known
        program, values = known
        program.run(values.copy(), inputs, arrays)


def _bound(assumptions: Assumptions, orbits: tuple[str, ...]) -> _Bound:
    """Return the recording with these assumptions filled in; a few are kept in each thread."""
    known: OrderedDict[tuple[int, tuple[str, ...]], _Bound] = _local.__dict__.setdefault("bound", OrderedDict())
    key = (id(assumptions), orbits)
    found = known.get(key)
    if found is None or found.assumptions is not assumptions or found.recording.rules != tuple(RULES.values()):
        found = known[key] = _Bound(assumptions, orbits)
        while len(known) > MOST_SETS:
            known.popitem(last=False)
    known.move_to_end(key)
    return found


def _recorded(assumptions: Assumptions) -> _Recording:
    """Return the recording for the structure of assumptions, made on first use; a few are kept in each thread."""
    known: OrderedDict[tuple[Structure, tuple[Rule, ...]], _Recording]
    known = _local.__dict__.setdefault("recorded", OrderedDict())
    key = structure_of(assumptions), tuple(RULES.values())
    if key not in known:
        known[key] = _Recording(assumptions)
        while len(known) > MOST_RECORDINGS:
            known.popitem(last=False)
    known.move_to_end(key)
    return known[key]


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
    subject = RuleSubject(columns, batch.values, rows, assumptions)
    reports = []
    for rule in RULES.values():
        value, limit = (float(np.ravel(side)[0]) for side in rule.compare(subject))
        reports.append(RuleReport(rule, value, limit, float(np.ravel(rule.violation(subject))[0])))
    return reports
