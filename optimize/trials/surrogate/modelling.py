"""Models of the goals and the rules of a question, fitted to a history.

Hyperparameters are fitted again each time the history has grown by a fifth, each time to the first trials of that
number and from those before: so they depend on the history alone, whether or not they were kept, and cost little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from dawndusk.optimize.heuristics.dominance import not_dominated, order_of
from dawndusk.optimize.space.columns import SpaceColumns
from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.question import History
from dawndusk.optimize.trials.surrogate.gaussian_process import KERNELS, Hyper, Kernel, Process, fitted, usual_hyper
from dawndusk.optimize.trials.surrogate.threads import one_thread
from dawndusk.optimize.trials.surrogate.warping import Warp, warps_of_goal, warps_of_rule

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
Prior: TypeAlias = Callable[[Sequence[Point]], Floats]
"""A cheap model's goals at points, small is good, shape (N, goals); NaN where it has none."""

FIRST_LEAST, FIRST_MOST = 6, 10
"""How many trials are spread evenly before the first model, one more than variables between these."""
FIRST_FIT = 6
GROWTH = 1.2
ALL_FORMS_EVERY = 4
MOST_FITTED = 100
MOST_TRAINED = 320
SPREAD_SHARE = 0.3
"""Of what is trained on when there is too much, this share is spread over the history and the rest are the best."""
LEAST_SPREAD = 1e-9
LEAST_DEVIATION = 1e-9
LEAST_MATTER = 4
MOST_DOUBT, DOUBTFUL = 100.0, 3.0
FAILED, ANSWERED = 1.0, -1.0


@dataclass(frozen=True, eq=False)
class Data:
    """A history as models see it.

    Attributes
    ----------
    rows : array of shape (N, D)
    features : array of shape (N, F)
    outputs : array of shape (N, goals + rules + 1)
        Goals, violations, and whether the trial failed; the others are NaN where it did.
    offsets : array of shape (N, goals + rules + 1)
        The prior's answer, 0 for what it does not say.
    blank : array of shape (goals,)
        What stands in where the prior has no answer: its median.
    """

    rows: Floats
    features: Floats
    outputs: Floats
    offsets: Floats
    goals: int
    blank: Floats

    def first(self, count: int) -> Data:
        """Return the first trials."""
        at = slice(count)
        return Data(self.rows[at], self.features[at], self.outputs[at], self.offsets[at], self.goals, self.blank)

    @property
    def values(self) -> Floats:
        """Return the goals, shape (N, goals)."""
        return self.outputs[:, : self.goals]

    @property
    def violation(self) -> Floats:
        """Return the sum of what is violated, infinite where failed, shape (N,)."""
        total = np.maximum(self.outputs[:, self.goals : -1], 0.0).sum(axis=1)
        return np.where(self.outputs[:, -1] == FAILED, np.inf, total)

    def matters(self, output: int) -> bool:
        """Return whether an output is to be modelled: a goal, or what some trial breaks and is not alike for all."""
        values = self.outputs[np.isfinite(self.outputs[:, output]), output]
        return output < self.goals or bool(len(values) and np.ptp(values) > 0.0 and values.max() > 0.0)

    def worst(self, goal: int) -> float:
        """Return the worst value of a goal on the front, minus infinity without one."""
        values = self.values[self.violation <= 0.0]
        return float(values[not_dominated(values), goal].max()) if len(values) else -np.inf

    def best(self, most: int) -> Indices:
        """Return the indices of the trials to train on: the best, and some spread over the others; in order."""
        count = len(self.rows)
        if count <= most:
            return np.arange(count)
        order, _, _ = order_of(np.nan_to_num(self.values), self.violation, most)
        top = int(most * (1.0 - SPREAD_SHARE))
        rest = np.sort(order[top:])
        spread = rest[np.linspace(0, len(rest) - 1, most - top).astype(int)]
        return np.sort(np.concatenate([order[:top], spread])).astype(np.intp)


def data_of(history: History, columns: SpaceColumns, prior: Prior | None = None) -> Data:
    """Return a history as models see it."""
    rows, values, violations = history.rows, history.values, history.violations
    failed = np.asarray(np.isnan(values).any(axis=1))
    told = np.where(failed[:, None], np.nan, violations)
    outputs = np.column_stack([values, told, np.where(failed, FAILED, ANSWERED)])
    goals = values.shape[1]
    said = prior(columns.points(rows)) if prior is not None and len(rows) else np.zeros((len(rows), goals))
    finite = [column[np.isfinite(column)] for column in said.T]
    blank = np.array([np.median(column) if len(column) else 0.0 for column in finite])
    return Data(rows, columns.features(rows), outputs, _offsets(said, blank, outputs.shape[1]), goals, blank)


def _offsets(said: Floats, blank: Floats, width: int) -> Floats:
    """Return what a prior said of the goals as offsets of all outputs, shape (N, width)."""
    offsets = np.zeros((len(said), width))
    offsets[:, : said.shape[1]] = np.where(np.isfinite(said), said, blank)
    return offsets


@dataclass(frozen=True, eq=False)
class OutputForm:
    """How an output is modelled: which warp and which hyperparameters, and how well these foretell what is known."""

    warp: int
    hyper: Hyper
    merit: float


Forms: TypeAlias = dict[tuple[int, Kernel], OutputForm]


@dataclass(frozen=True, eq=False)
class Output:
    """A fitted model of one goal or rule.

    ``doubt`` multiplies its variance: by as much as it was too sure of what it knows, each datum foretold from others.
    """

    warp: Warp
    process: Process
    doubt: float = 1.0

    def warped(self, features: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation at features, warped, shape (M,) each."""
        mean, variance, _ = self.process.posterior(features)
        return mean, np.sqrt(self.doubt * variance)

    def predict(self, features: Floats, offsets: Floats, threshold: float) -> tuple[Floats, Floats]:
        """Return mean and standard deviation at features, on the scale of the outcome, shape (M,) each.

        The warped outcome is normal, the outcome is not: the deviation is that of the better side or, where the mean is
        worse than a threshold, the one that gives the right chance to be better than that.
        """
        mean, spread = self.warped(features)
        centre = self.warp.back(mean)
        better = centre - self.warp.back(mean - spread)
        edge = threshold - offsets
        far = (centre - edge) * spread / np.maximum(mean - self.warp(edge), LEAST_DEVIATION)
        return offsets + centre, np.where(centre > edge, far, better)

    def mean(self, features: Floats, offsets: Floats) -> Floats:
        """Return the mean at features, on the scale of the outcome, shape (M,)."""
        return offsets + self.warp.back(self.process.mean(features))


def _warps(data: Data, output: int, kept: Indices) -> list[Warp]:
    """Return the warps to try for an output of the trials that are trained on."""
    values = (data.outputs - data.offsets)[kept, output]
    first = (data.outputs - data.offsets)[: max(FIRST_MOST, 1), output]
    first = first[np.isfinite(first)] if np.isfinite(first).any() else values
    if output == data.outputs.shape[1] - 1 or data.offsets[:, output].any():
        return warps_of_rule(values, first)[:1]
    if output >= data.goals:
        return warps_of_rule(values, first)
    return warps_of_goal(values, first, data.worst(output))


@dataclass
class Chain:
    """Forms of every output at growing numbers of trials, each fitted from the one before."""

    columns: SpaceColumns
    _data: Data | None = None
    _links: dict[int, list[Forms]] = field(default_factory=dict)

    def forms(self, data: Data) -> list[Forms]:
        """Return the forms of each output at the last number of trials that the history has reached."""
        if self._data is not None and not _starts_with(data, self._data):
            self._links = {}
        forms: list[Forms] = [{} for _ in range(data.outputs.shape[1])]
        for number, count in enumerate(_lengths(len(data.rows))):
            if count not in self._links:
                self._links[count] = [
                    _refitted(self.columns, data.first(count), output, earlier, number)
                    for output, earlier in enumerate(forms)
                ]
            forms = self._links[count]
            self._data = data.first(count)
        return forms


def _lengths(count: int) -> list[int]:
    """Return the numbers of trials, up to ``count``, at which hyperparameters are fitted."""
    lengths, length = [], FIRST_FIT
    while length <= count:
        lengths.append(length)
        length = max(length + 1, int(length * GROWTH))
    return lengths


def _starts_with(data: Data, earlier: Data) -> bool:
    count = len(earlier.rows)
    first = data.first(count)
    return np.array_equal(first.rows, earlier.rows) and np.array_equal(first.outputs, earlier.outputs, equal_nan=True)


def _refitted(columns: SpaceColumns, data: Data, output: int, earlier: Forms, number: int) -> Forms:
    """Return the forms of one output fitted to data: all of them from time to time, else the best one so far."""
    if not data.matters(output):
        return earlier
    kept = _answered(data, output, data.best(MOST_FITTED))
    values = (data.outputs - data.offsets)[kept, output]
    if len(kept) < FIRST_FIT or np.ptp(values) <= LEAST_SPREAD * max(np.abs(values).max(initial=0.0), 1.0):
        return earlier
    every = not earlier or number % ALL_FORMS_EVERY == 0
    best = max(earlier, key=lambda form: earlier[form].merit) if earlier else None
    matter = _matter(data, output, kept)
    forms: Forms = {}
    for index, warp in enumerate(_warps(data, output, kept)):
        for kernel in KERNELS:
            before = earlier.get((index, kernel))
            if every or best == (index, kernel):
                process = _fit(columns, data.features[kept], kernel, warp(values), before, afresh=every)
                forms[index, kernel] = OutputForm(index, process.hyper, _merit(process, warp, values, matter))
            elif before is not None:
                forms[index, kernel] = replace(before, merit=-np.inf)
    return forms


def _fit(
    columns: SpaceColumns, features: Floats, kernel: Kernel, warped: Floats, before: OutputForm | None, *, afresh: bool
) -> Process:
    """Return a fitted process, from the hyperparameters before, from the usual ones, or the better of both."""
    starts: list[Hyper | None] = [before.hyper] if before else []
    found = [
        fitted(kernel, features, columns.groups, warped, start=start)
        for start in (starts if starts and not afresh else [*starts, None])
    ]
    return Process(max(found, key=lambda hyper: hyper.evidence), columns.groups, features, warped)


def _matter(data: Data, output: int, kept: Indices) -> Indices:
    """Return the places in ``kept`` of the half that matters: near its edge for a rule, best in all for a goal."""
    half = max(len(kept) // 2, LEAST_MATTER)
    if output >= data.goals:
        order = np.argsort(np.abs(data.outputs[kept, output]), kind="stable").astype(np.intp)
    else:
        order = order_of(data.values[kept], data.violation[kept], half)[0]
    matter: Indices = order[:half]
    return matter


def _merit(process: Process, warp: Warp, values: Floats, matter: Indices) -> float:
    """Return the mean log density of the values that matter, each foretold from the others."""
    mean, variance = process.left_out
    off = (warp(values) - mean)[matter]
    spread = np.maximum(variance[matter], LEAST_DEVIATION)
    return float(np.mean(-0.5 * off**2 / spread - 0.5 * np.log(spread) + warp.log_slope(values[matter])))


def _answered(data: Data, output: int, indices: Indices) -> Indices:
    answered: Indices = indices[np.isfinite(data.outputs[indices, output])]
    return answered


@dataclass(frozen=True, eq=False)
class Models:
    """Fitted models of the goals, and of the rules that any trial has broken or come near to."""

    columns: SpaceColumns
    goals: tuple[Output, ...]
    rules: tuple[tuple[int, Output], ...]
    width: int
    blank: Floats
    prior: Prior | None

    def offsets(self, rows: Floats) -> Floats:
        """Return the prior's answer at rows, shape (M, goals + rules + 1)."""
        if self.prior is None:
            return np.zeros((len(rows), self.width))
        return _offsets(self.prior(self.columns.points(rows)), self.blank, self.width)

    @property
    def doubtful(self) -> bool:
        """Return whether some model was much too sure of what is known."""
        return max(model.doubt for model in (*self.goals, *(rule for _, rule in self.rules))) > DOUBTFUL

    def means(self, rows: Floats) -> tuple[Floats, Floats]:
        """Return the means of the goals, shape (M, goals), and what they violate in standard deviations, shape (M,)."""
        features, offsets = self.columns.features(rows), self.offsets(rows)
        goals = np.column_stack([model.mean(features, offsets[:, n]) for n, model in enumerate(self.goals)])
        violation = np.zeros(len(rows))
        for n, model in self.rules:
            edge = model.warp(-offsets[:, n])
            violation += np.maximum(model.process.mean(features) - edge, 0.0)
        return goals, violation

    def predict(self, rows: Floats, thresholds: Floats) -> Prediction:
        """Return what the models say of rows of shape (M, D); what is worse than the thresholds does not matter."""
        features, offsets = self.columns.features(rows), self.offsets(rows)
        pairs = [model.predict(features, offsets[:, n], thresholds[n]) for n, model in enumerate(self.goals)]
        chance = np.zeros(len(rows))
        for n, model in self.rules:
            mean, spread = model.warped(features)
            over = mean - model.warp(-offsets[:, n])
            chance += log_ndtr(-over / np.maximum(spread, LEAST_DEVIATION))
        means, deviations = (np.column_stack(columns) for columns in zip(*pairs, strict=True))
        return Prediction(means, deviations, chance)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What models say of rows.

    Attributes
    ----------
    mean, deviation : arrays of shape (M, goals)
    chance : array of shape (M,)
        Logarithm of the chance to keep every rule.
    """

    mean: Floats
    deviation: Floats
    chance: Floats


@one_thread()
def models_of(chain: Chain, data: Data, prior: Prior | None = None, most: int = MOST_TRAINED) -> Models:
    """Return models fitted to data with the hyperparameters of a chain."""
    forms = chain.forms(data)
    kept = data.best(most)
    goals = [_output(chain.columns, data, n, forms[n], kept) for n in range(data.goals)]
    rules = []
    for n in range(data.goals, data.outputs.shape[1]):
        if data.matters(n):
            rules.append((n, _output(chain.columns, data, n, forms[n], kept)))
    return Models(chain.columns, tuple(goals), tuple(rules), data.outputs.shape[1], data.blank, prior)


def _output(columns: SpaceColumns, data: Data, output: int, forms: Forms, kept: Indices) -> Output:
    kept = _answered(data, output, kept)
    values = (data.outputs - data.offsets)[kept, output]
    warps = _warps(data, output, kept)
    best = max(forms.values(), key=lambda form: form.merit) if forms else None
    if best is None or best.warp >= len(warps):
        best = OutputForm(0, usual_hyper(columns.groups), 0.0)
    warp = warps[best.warp]
    process = Process(best.hyper, columns.groups, data.features[kept], warp(values))
    return Output(warp, process, _doubt(process, _matter(data, output, kept)))


def _doubt(process: Process, matter: Indices) -> float:
    """Return the mean squared error of what is foretold of the data that matter, in variances, at least 1."""
    mean, variance = process.left_out
    off = (process.values - mean)[matter] ** 2 / np.maximum(variance[matter], LEAST_DEVIATION**2)
    return float(np.clip(off.mean(), 1.0, MOST_DOUBT))
