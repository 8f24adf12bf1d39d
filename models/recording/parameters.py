"""Assumptions as parameters of a recording: what it leaves open, what decides which operations it has.

A recording has a parameter for every number that is believed, named by the dotted key of its data row, for example
``reliability.satellite_loss_per_year``. Numbers of catalogue rows are named for the choice, for example
``accelerator.price_usd`` for ``accelerators.tpu_v7.price_usd`` where a design chooses ``tpu_v7``; ``data_row`` returns
the key. One recording serves all assumptions of the same ``Structure``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from dawndusk.models.array import is_stated
from dawndusk.models.assumptions import CATALOGUES, GROUPS, Assumptions
from dawndusk.models.design import CATEGORIES, VARIABLES
from dawndusk.models.physics.thermal import LEAKING_PER_K, newton_steps
from dawndusk.models.recording.trace import Graph

Floats: TypeAlias = NDArray[np.float64]

CHOSEN_ROWS = {"workloads": "workload", "training_runs": "training_run"}
"""Catalogues of which the assumptions themselves choose a row, with the field that names it."""
STATED_OR_NOT = ("demand.it_power_mw", "demand.delivered_pflops", "launch.volume_discount_per_doubling")
"""Amounts that leave out terms of the model where they are zero."""


@dataclass(frozen=True)
class Structural:
    """Why a number decides which operations or tables an evaluation has.

    ``seen`` maps values of shape (N,) to what the structure sees of them, shape (N,): sets of assumptions that are
    equal in it can be evaluated together.
    """

    reason: str
    seen: Callable[[Floats], Floats]


def _itself(values: Floats) -> Floats:
    return values


def _leaks(values: Floats) -> Floats:
    """Return one where the leakage asks for more Newton steps, else zero."""
    return (values > LEAKING_PER_K).astype(np.float64)


STRUCTURAL: dict[str, Structural] = {
    "scenario.first_launch_year": Structural("the Sun's path is tabulated for the nearest whole year", np.rint),
    "environment.solar_flux_f107": Structural("the upper atmosphere is tabulated for it", _itself),
    "platform.disposal_altitude_km": Structural("decay and descent are tabulated down to it", _itself),
    "orbits.sun_synchronous": Structural("the orbit is tabulated for it", _itself),
    "orbits.inclination_deg": Structural("the orbit is tabulated for it", _itself),
    "orbits.ltan_h": Structural("the orbit is tabulated for it", _itself),
    "accelerators.leakage_per_k": Structural("the heat balance takes more Newton steps with leaky chips", _leaks),
    **{key: Structural("zero leaves its terms out of the model", np.sign) for key in STATED_OR_NOT},
}
"""Numbers that are structural, by group or catalogue and field; all others are parameters and nothing else."""


@dataclass(frozen=True)
class Structure:
    """What decides which operations a recording has.

    Attributes
    ----------
    workload, training_run : str
        Names of the rows in force.
    unstated : tuple of str
        Keys of the amounts that are zero and leave terms out.
    newton_steps : int
        Steps that the radiator's temperature takes.
    """

    workload: str
    training_run: str
    unstated: tuple[str, ...]
    newton_steps: int


def structure_of(assumptions: Assumptions) -> Structure:
    """Return the structure of assumptions."""
    return Structure(
        assumptions.workload,
        assumptions.training_run,
        tuple(key for key in STATED_OR_NOT if not is_stated(_of_group(assumptions, key))),
        newton_steps(assumptions.accelerators.values()),
    )


def _of_group(assumptions: Assumptions, key: str) -> Any:
    group, _, name = key.partition(".")
    return getattr(getattr(assumptions, group), name)


class Unchecked(Assumptions):
    """Assumptions that stand for others which were checked: terms, columns or one set of many."""

    def __post_init__(self) -> None:
        """Take the values as they are."""

    @classmethod
    def of(cls, assumptions: Assumptions, **changes: Any) -> Unchecked:
        """Return a copy of assumptions with whole groups or catalogues exchanged."""
        return cls(**{**{f.name: getattr(assumptions, f.name) for f in dataclasses.fields(assumptions)}, **changes})


def recorded_assumptions(graph: Graph, assumptions: Assumptions) -> Assumptions:
    """Return assumptions of which every number in force is a parameter of a recording.

    Amounts that are not stated stay zero. Rows that designs choose from can not be read from the catalogues, because
    each design has its own in force (``models.rows.parameter_rows``).
    """
    unstated = structure_of(assumptions).unstated

    def row(kind: type, owner: str) -> Any:
        keys = {f.name: f"{owner}.{f.name}" for f in dataclasses.fields(kind)}
        return kind(**{name: 0.0 if key in unstated else graph.parameter(key) for name, key in keys.items()})

    groups = {group: row(kind, group) for group, kind in GROUPS.items()}
    chosen = {
        catalogue: {
            getattr(assumptions, field): row(CATALOGUES[catalogue], f"{catalogue}.{getattr(assumptions, field)}")
        }
        for catalogue, field in CHOSEN_ROWS.items()
    }
    choices = {VARIABLES[variable].catalogue: variable for variable in CATEGORIES}
    closed = {catalogue: _closed(assumptions, catalogue, variable) for catalogue, variable in choices.items()}
    return Unchecked.of(assumptions, **groups, **chosen, **closed)


class NotInForce(NDArrayOperatorsMixin):
    """A number of a catalogue row that a recording can not read, because not every design has that row in force."""

    def __init__(self, key: str, instead: str) -> None:
        self.key, self.instead = key, instead

    def __repr__(self) -> str:
        return f"{self.key}, which is not in force in every design: read {self.instead}"

    def __array_ufunc__(self, *_: object, **__: object) -> Any:
        raise TypeError(repr(self))


def _closed(assumptions: Assumptions, catalogue: str, variable: str) -> dict[str, Any]:
    """Return the rows of a catalogue with nothing to read but the leakage, which decides on the Newton steps."""
    rows: dict[str, Any] = {}
    for name, row in getattr(assumptions, catalogue).items():
        closed = {f: NotInForce(f"{catalogue}.{name}.{f}", f"rows.{variable}.{f}") for f in vars(row)}
        if catalogue == "accelerators":
            closed["leakage_per_k"] = row.leakage_per_k
        rows[name] = dataclasses.replace(row, **closed)
    return rows


def assumption_parameters(assumptions: Assumptions) -> dict[str, Any]:
    """Return the value of every parameter of ``recorded_assumptions`` by its name: numbers, or columns as they are."""
    found = {f"{group}.{name}": value for group in GROUPS for name, value in vars(getattr(assumptions, group)).items()}
    for catalogue, field in CHOSEN_ROWS.items():
        name = getattr(assumptions, field)
        row = getattr(assumptions, catalogue)[name]
        found.update({f"{catalogue}.{name}.{f}": value for f, value in vars(row).items()})
    return found


def data_row(parameter: str, chosen: Mapping[str, str]) -> str:
    """Return the dotted key of the data row behind a parameter of a recording.

    ``chosen`` maps categories to names, for example ``{"accelerator": "tpu_v7"}`` (see ``Design.combination``).
    """
    owner, _, name = parameter.partition(".")
    return f"{VARIABLES[owner].catalogue}.{chosen[owner]}.{name}" if owner in CATEGORIES else parameter
