"""What one satellite of each design is, costs and carries, taken from the model of a whole programme.

Nothing is computed a second time here, and no belief is read: each design is evaluated on each vehicle, and its figures
are outcomes of the model, those of a fleet divided by its size.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.constants import TFLOPS_PER_PFLOPS, WATTS_PER_KW
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DesignError, nearest, one_of
from dawndusk.models.evaluate import Evaluation, evaluate
from dawndusk.models.programme.cost import Hardware
from dawndusk.models.rules import rules_of

Floats = NDArray[np.float64]

HARDWARE = tuple(f"{part.name}_cost_usd" for part in fields(Hardware))
READ = (
    *HARDWARE,
    "accelerator_unit_usd",
    "accelerators_on_board",
    "array_degradation_per_year",
    "disposal_unit_usd",
    "downlink_traffic_gbps",
    "launch_share_paid_by_other",
    "learning_factor",
    "nominal_w_per_accelerator",
    "onboard_network_unit_usd",
    "operations_share_per_year",
    "orbital_use_unit_usd_per_year",
    "satellite_loss_rate_per_year",
    "satellites_built",
    "satellites_per_launch",
    "steady_failures_per_year",
    "technology_available_year",
    "useful_tflops_per_accelerator",
    "wear_exponent",
    "wear_of_life",
    "wet_mass_kg",
)
"""Outcomes that a plan knows of a satellite; what they do not say has no effect in a plan."""


@dataclass(frozen=True, eq=False)
class SatelliteFigures:
    """Figures of one satellite of each of D designs, and of its place on each of V vehicles.

    Shape (D,) unless said otherwise. ``per_launch`` of shape (D, V) counts the whole satellites of a launch, 0 where
    a rule of the scope ``launch`` is broken: not even one fits, above all. ``violation`` has the graded violation of
    every rule of the scopes ``satellite`` and ``launch``, by name, shape (D, V).
    """

    names: tuple[str, ...]
    designs: tuple[Design, ...]
    vehicles: tuple[str, ...]
    per_launch: NDArray[np.int64]
    wet_mass_kg: Floats
    it_power_kw: Floats
    pflops: Floats
    hardware_usd: Floats
    chips_usd: Floats
    fabric_usd: Floats
    traffic_gbps: Floats
    paid_share: Floats
    life_years: Floats
    available_year: Floats
    spare_factor: Floats
    failures_per_year: Floats
    wear_of_life: Floats
    array_oversize: Floats
    array_loss_per_year: Floats
    satellite_loss_per_year: Floats
    wear_exponent: Floats
    operations_share_per_year: Floats
    orbital_use_usd_per_year: Floats
    disposal_usd: Floats
    violation: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.names)

    @functools.cached_property
    def broken(self) -> tuple[tuple[str, ...], ...]:
        """Return the rules of the satellite that each design breaks, so that it can not be flown at all."""
        rules = rules_of("satellite")
        return tuple(tuple(rule for rule in rules if self.breaks(rule)[d].any()) for d in range(len(self)))

    @functools.cached_property
    def is_sound(self) -> NDArray[np.bool_]:
        """Return which designs keep every rule of the satellite, shape (D,)."""
        return np.array([not rules for rules in self.broken])

    @functools.cached_property
    def is_refused(self) -> NDArray[np.bool_]:
        """Return which designs break a rule of the satellite or of the launch on which vehicles, shape (D, V)."""
        return np.asarray(np.any([self.breaks(rule) for rule in self.violation], axis=0))

    def breaks(self, rule: str) -> NDArray[np.bool_]:
        """Return which designs break a rule on which vehicles, shape (D, V)."""
        return np.asarray(self.violation[rule] > 0.0)

    def refused(self, design: int) -> dict[str, tuple[str, ...]]:
        """Return the rules of the launch that a design breaks, by the vehicle on which it does."""
        rules = rules_of("launch")
        return {
            vehicle: broken
            for v, vehicle in enumerate(self.vehicles)
            if (broken := tuple(rule for rule in rules if self.breaks(rule)[design, v]))
        }


def figures_of(designs: Mapping[str, Design], assumptions: Assumptions, vehicles: Sequence[str]) -> SatelliteFigures:
    """Return the figures of named designs.

    Parameters
    ----------
    designs : mapping of str to Design
        The vehicle, the cadence and the number of satellites of a design do not matter, except that a job spans no more
        accelerators than the design's fleet has.
    vehicles : sequence of str
        Names in the catalogue of vehicles.

    Raises
    ------
    DesignError
        For a name that is in no catalogue, or no design at all.
    """
    if not designs:
        raise DesignError("catalogue: found no design; allowed: at least one")
    for name in vehicles:
        if name not in assumptions.vehicles:
            known = assumptions.vehicles
            raise DesignError(f"vehicles: found {name!r}; allowed: {one_of(known)}{nearest(name, known)}")
    rows = [design.replace(vehicle=vehicle) for design in designs.values() for vehicle in vehicles]
    evaluation = evaluate(DesignBatch.of(rows), assumptions, READ)
    return _divided(designs, evaluation, tuple(vehicles))


def _divided(designs: Mapping[str, Design], evaluation: Evaluation, vehicles: tuple[str, ...]) -> SatelliteFigures:
    """Return figures of one satellite from those of the fleets; the first vehicle stands for all where none matters."""
    shape = (len(designs), len(vehicles))
    outcome = {name: column.reshape(shape) for name, column in evaluation.outcome.values.items()}
    violation = {name: column.reshape(shape) for name, column in evaluation.violation.items()}
    first = {name: column[:, 0] for name, column in outcome.items()}
    chosen = tuple(designs.values())
    each = np.array([float(design.accelerators_per_satellite) for design in chosen])
    on_board = first["accelerators_on_board"]
    hardware = sum(first[name] for name in HARDWARE)
    fits = np.all([violation[rule] <= 0.0 for rule in rules_of("launch")], axis=0)
    return SatelliteFigures(
        names=tuple(designs),
        designs=chosen,
        vehicles=vehicles,
        per_launch=np.where(fits, outcome["satellites_per_launch"], 0.0).astype(np.int64),
        wet_mass_kg=first["wet_mass_kg"],
        it_power_kw=each * first["nominal_w_per_accelerator"] / WATTS_PER_KW,
        pflops=each * first["useful_tflops_per_accelerator"] / TFLOPS_PER_PFLOPS,
        hardware_usd=hardware / (first["satellites_built"] * first["learning_factor"]),
        chips_usd=on_board * first["accelerator_unit_usd"],
        fabric_usd=on_board * first["onboard_network_unit_usd"],
        traffic_gbps=first["downlink_traffic_gbps"],
        paid_share=first["launch_share_paid_by_other"],
        life_years=np.array([design.life_years for design in chosen]),
        available_year=first["technology_available_year"],
        spare_factor=on_board / each,
        failures_per_year=first["steady_failures_per_year"],
        wear_of_life=first["wear_of_life"],
        array_oversize=np.array([design.array_oversize for design in chosen]),
        array_loss_per_year=first["array_degradation_per_year"],
        satellite_loss_per_year=first["satellite_loss_rate_per_year"],
        wear_exponent=first["wear_exponent"],
        operations_share_per_year=first["operations_share_per_year"],
        orbital_use_usd_per_year=first["orbital_use_unit_usd_per_year"],
        disposal_usd=first["disposal_unit_usd"],
        violation={rule: violation[rule] for rule in rules_of("satellite", "launch")},
    )
