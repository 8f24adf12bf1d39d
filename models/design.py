"""What we choose: the design variables, one design, and a batch of designs as arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.array import Array
from dawndusk.models.errors import DesignError, nearest, one_of

Kind = Literal["category", "integer", "continuous"]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A design variable: its kind, units, meaning and the domain in which the models hold."""

    name: str
    kind: Kind
    units: str
    meaning: str
    minimum: float = 0.0
    maximum: float = 0.0
    catalogue: str = ""


def _category(name: str, catalogue: str, meaning: str) -> Variable:
    return Variable(name=name, kind="category", units="name", meaning=meaning, catalogue=catalogue)


def _number(name: str, kind: Kind, units: str, minimum: float, maximum: float, meaning: str) -> Variable:
    return Variable(name=name, kind=kind, units=units, meaning=meaning, minimum=minimum, maximum=maximum)


VARIABLES: dict[str, Variable] = {
    v.name: v
    for v in (
        _category("accelerator", "accelerators", "Accelerator that the satellites carry."),
        _number(
            "accelerators_per_satellite", "integer", "count", 1, 20_000, "Accelerators in service, spares not counted."
        ),
        _number("satellites", "integer", "count", 1, 2_000_000, "Satellites in the fleet when it is complete."),
        _category("orbit", "orbits", "Family of orbits."),
        _number("altitude_km", "continuous", "km", 400, 2000, "Altitude of the circular orbit."),
        _category("radiator", "radiators", "Radiator technology."),
        _number("radiator_area_m2", "continuous", "m2", 0.1, 100_000, "Radiator planform of one satellite (one side)."),
        _number("shielding_mm", "continuous", "mm Al", 0.5, 20, "Aluminium-equivalent wall of the compute box."),
        _category("array", "arrays", "Solar array technology."),
        _number("array_oversize", "continuous", "-", 0.5, 2.0, "Array power when new over what the full load needs."),
        _number("eclipse_ride_through", "continuous", "fraction", 0, 1, "Share of the load carried through eclipse."),
        _number("spare_fraction", "continuous", "fraction", 0, 1, "Cold spares on board per accelerator in service."),
        _number("optical_terminals", "integer", "count", 0, 32, "Inter-satellite optical terminals per satellite."),
        _number("life_years", "continuous", "years", 0.5, 15, "Operating life of a satellite."),
        _category("vehicle", "vehicles", "Launch vehicle."),
        _number("launches_per_year", "continuous", "1/year", 0.1, 5_000, "Launch cadence while deploying."),
    )
}
"""The design variables by name, in the order in which they are reported."""

CATEGORIES: tuple[str, ...] = tuple(n for n, v in VARIABLES.items() if v.kind == "category")
NUMBERS: tuple[str, ...] = tuple(n for n, v in VARIABLES.items() if v.kind != "category")


@dataclass(frozen=True, kw_only=True)
class Design:
    """One design: a value for every design variable, in the units of its name."""

    accelerator: str
    accelerators_per_satellite: int
    satellites: int
    orbit: str
    altitude_km: float
    radiator: str
    radiator_area_m2: float
    shielding_mm: float
    array: str
    array_oversize: float
    eclipse_ride_through: float
    spare_fraction: float
    optical_terminals: int
    life_years: float
    vehicle: str
    launches_per_year: float

    def __post_init__(self) -> None:
        for name in NUMBERS:
            _check_number(VARIABLES[name], getattr(self, name))
        for name in CATEGORIES:
            if not isinstance(getattr(self, name), str):
                raise DesignError(f"design.{name}: expected a name, found {getattr(self, name)!r}")

    def to_dict(self) -> dict[str, str | int | float]:
        """Return the design as plain values by variable name."""
        return dataclasses.asdict(self)

    @property
    def combination(self) -> dict[str, str]:
        """Return the name that the design has in each category."""
        return {name: str(getattr(self, name)) for name in CATEGORIES}

    def replace(self, **changes: Any) -> Design:
        """Return a copy with some variables changed."""
        unknown = [name for name in changes if name not in VARIABLES]
        if unknown:
            raise DesignError(_unknown_variable(unknown[0]))
        return dataclasses.replace(self, **changes)


def _unknown_variable(name: str) -> str:
    return f"design.{name}: no such variable; allowed: {one_of(VARIABLES)}{nearest(name, VARIABLES)}"


def _check_number(variable: Variable, value: object) -> None:
    where = f"design.{variable.name}"
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise DesignError(f"{where}: expected a number in {variable.units}, found {value!r}")
    if not variable.minimum <= value <= variable.maximum:  # False for NaN as well
        raise DesignError(
            f"{where}: found {value!r}, allowed {variable.minimum:g} to {variable.maximum:g} {variable.units}"
        )
    if variable.kind == "integer" and value != int(value):
        raise DesignError(f"{where}: expected a whole number, found {value!r}")


def _check_column(name: str, column: object, kinds: str) -> None:
    """Raise ``DesignError`` unless the column is an array of one of the number kinds."""
    if not isinstance(column, np.ndarray) or column.dtype.kind not in kinds:
        found = f"an array of {column.dtype}" if isinstance(column, np.ndarray) else type(column).__name__
        wanted = "floats" if kinds == "f" else "whole category codes"
        raise DesignError(f"design.{name}: found {found}; allowed: an array of {wanted}")


@dataclass(frozen=True)
class DesignBatch:
    """N designs. Numbers are arrays of shape (N,); a category is one name for all or an array of N names' codes.

    ``values`` maps every numeric variable to a float64 array of shape (N,). ``codes`` maps every categorical
    variable to an int array of shape (N,) that indexes ``names``, the tuple of category names in use.
    """

    values: Mapping[str, NDArray[np.float64]]
    codes: Mapping[str, NDArray[np.intp]]
    names: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        for columns, known in ((self.values, NUMBERS), (self.codes, CATEGORIES), (self.names, CATEGORIES)):
            for name in known:
                if name not in columns:
                    raise DesignError(f"design.{name}: missing from the batch")
            for name in columns:
                if name not in known:
                    raise DesignError(_unknown_variable(name))
        for columns, kinds in ((self.values, "f"), (self.codes, "iu")):
            for name, column in columns.items():
                _check_column(name, column, kinds)
        sizes = {a.shape for a in (*self.values.values(), *self.codes.values())}
        if len(sizes) != 1 or len(next(iter(sizes))) != 1:
            raise DesignError(f"a design batch needs arrays of one equal length, found shapes {sorted(sizes)}")

    def __len__(self) -> int:
        return len(self.values["satellites"])

    def __iter__(self) -> Iterator[Design]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Design:
        """Return design number ``index``."""
        fields: dict[str, Any] = {}
        for name, variable in VARIABLES.items():
            if variable.kind == "category":
                fields[name] = self.names[name][self.codes[name][index]]
            else:
                value = float(self.values[name][index])
                fields[name] = round(value) if variable.kind == "integer" else value
        return Design(**fields)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> DesignBatch:
        """Return the designs selected by an index array, a mask or a slice."""
        return DesignBatch(
            {n: a[index] for n, a in self.values.items()}, {n: a[index] for n, a in self.codes.items()}, self.names
        )

    def columns(self) -> dict[str, Array]:
        """Return every variable as a column of length N, categories as names."""
        return {
            name: (
                np.asarray(self.names[name], dtype=object)[self.codes[name]]
                if variable.kind == "category"
                else self.values[name].astype(np.int64)
                if variable.kind == "integer"
                else self.values[name]
            )
            for name, variable in VARIABLES.items()
        }

    def check(self) -> None:
        """Raise ``DesignError`` for the first value that is not finite, not whole or out of its domain."""
        for name in NUMBERS:
            variable, array = VARIABLES[name], self.values[name]
            bad = ~((array >= variable.minimum) & (array <= variable.maximum))
            if variable.kind == "integer":
                bad |= array != np.rint(array)
            if bad.any():
                _check_number(variable, float(array[np.flatnonzero(bad)[0]]))
        for name in CATEGORIES:
            codes, count = self.codes[name], len(self.names[name])
            if ((codes < 0) | (codes >= count)).any():
                raise DesignError(f"design.{name}: found a code outside 0 to {count - 1}")

    @classmethod
    def of(cls, designs: Design | Sequence[Design]) -> DesignBatch:
        """Build a batch from one design or a sequence of designs."""
        rows = [designs] if isinstance(designs, Design) else list(designs)
        if not rows:
            raise DesignError("a design batch needs at least one design")
        names: dict[str, tuple[str, ...]] = {}
        codes: dict[str, NDArray[np.intp]] = {}
        for name in CATEGORIES:
            names[name] = tuple(dict.fromkeys(getattr(d, name) for d in rows))
            codes[name] = np.array([names[name].index(getattr(d, name)) for d in rows], dtype=np.intp)
        values = {n: np.array([getattr(d, n) for d in rows], dtype=np.float64) for n in NUMBERS}
        return cls(values, codes, names)
