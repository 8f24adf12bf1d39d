"""Look-up tables on even grids: linear between nodes, exact range over any interval, no extrapolation by accident."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.array import Array

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EnvironmentData:
    """The shipped environment tables, as read.

    ``electron_dose`` (with bremsstrahlung) and ``proton_dose`` map an inclination set to krad(Si)/year of trapped
    particles behind a sphere, of shape (altitudes, thicknesses). The sets are ``sso`` and degrees: ``30``, ``53`` and
    ``70``. ``proton_flux`` maps them, ``70`` apart, to the integral flux in 1/cm2/s of shape (altitudes, energies).
    ``density_kg_m3`` has shape (altitudes, solar fluxes). ``debris_density_per_km3`` has shape (altitudes,), at the
    middles of shells.
    """

    dose_altitude_km: Floats
    dose_thickness_mm: Floats
    electron_dose: Mapping[str, Floats]
    proton_dose: Mapping[str, Floats]
    proton_altitude_km: Floats
    proton_energy_mev: Floats
    proton_flux: Mapping[str, Floats]
    density_altitude_km: Floats
    density_f107: Floats
    density_kg_m3: Floats
    debris_altitude_km: Floats
    debris_density_per_km3: Floats


@dataclass(frozen=True)
class Location:
    """Where a batch of points falls on an even axis: node index and fraction to the next node, shape (N,)."""

    index: Any
    fraction: Any

    def in_row(self, row: Any, count: int) -> Any:
        """Return the index into a table of rows of ``count`` nodes laid end to end."""
        return self.index if isinstance(row, int) and row == 0 else self.index + row * count


@dataclass(frozen=True)
class EvenAxis:
    """An axis with ``count`` nodes at ``start + i * step``. Points outside are held at the end nodes."""

    start: float
    step: float
    count: int

    @property
    def stop(self) -> float:
        """Return the last node."""
        return self.start + self.step * (self.count - 1)

    @property
    def nodes(self) -> Floats:
        """Return all nodes, shape (count,)."""
        return self.start + self.step * np.arange(self.count, dtype=np.float64)

    def locate(self, x: Array) -> Any:
        """Return the ``Location`` of ``x``; a type that carries ranges answers ``__locate__`` itself."""
        if hasattr(x, "__locate__"):
            return x.__locate__(self)
        position = (np.minimum(np.maximum(x, self.start), self.stop) - self.start) * (1.0 / self.step)
        index = np.minimum(position, self.count - 2).astype(np.int64)
        return Location(index, position - index)


@dataclass(frozen=True)
class EvenTable:
    """Linear look-up in one variable. ``values`` has shape (rows, axis.count); one row per category in use."""

    axis: EvenAxis
    values: Floats

    def at(self, location: Any, row: Any = 0) -> Array:
        """Return interpolated values at a location of the axis, for a row number or an array of row numbers."""
        if hasattr(location, "__table_at__"):
            return location.__table_at__(self, row)
        index = location.in_row(row, self.axis.count)
        return self._flat.take(index) + location.fraction * self._rise.take(index)

    @functools.cached_property
    def _flat(self) -> Floats:
        return np.ascontiguousarray(self.values).ravel()

    @functools.cached_property
    def _rise(self) -> Floats:
        """Return the difference to the next node, zero at the end of each row."""
        return np.diff(self.values, axis=1, append=self.values[:, -1:]).ravel()

    def range(self, low: float, high: float, row: int = 0) -> tuple[float, float]:
        """Return the exact least and greatest value for points in ``[low, high]``."""
        ends = np.array([low, high])
        at_ends = self.at(self.axis.locate(ends), row)
        nodes = self.axis.nodes
        inside = self.values[row][(nodes > low) & (nodes < high)]
        everything = np.concatenate([at_ends, inside])
        return float(everything.min()), float(everything.max())


@dataclass(frozen=True)
class EvenGrid:
    """Bilinear look-up in two variables. ``values`` has shape (rows, x.count, y.count)."""

    x: EvenAxis
    y: EvenAxis
    values: Floats

    def at(self, x: Any, y: Any, row: Any = 0) -> Array:
        """Return interpolated values at a pair of locations, for a row number or an array of row numbers."""
        if hasattr(x, "__grid_at__"):
            return x.__grid_at__(self, y, row)
        if hasattr(y, "__grid_at__"):
            return y.__grid_at__(self, x, row, swapped=True)
        index = x.in_row(row, self.x.count) * self.y.count + y.index
        near = self._flat.take(index) + y.fraction * self._rise.take(index)
        index = index + self.y.count
        far = self._flat.take(index) + y.fraction * self._rise.take(index)
        return near + x.fraction * (far - near)

    @functools.cached_property
    def _flat(self) -> Floats:
        return np.ascontiguousarray(self.values).ravel()

    @functools.cached_property
    def _rise(self) -> Floats:
        """Return the difference to the next node of the second axis, zero at its end."""
        return np.diff(self.values, axis=2, append=self.values[:, :, -1:]).ravel()

    def range(self, x: tuple[float, float], y: tuple[float, float], row: int = 0) -> tuple[float, float]:
        """Return the exact least and greatest value over the rectangle ``x`` times ``y``.

        A bilinear patch takes its extremes at corners, so nodes inside and points on the rectangle's rim suffice.
        """
        xs = np.concatenate([x, self.x.nodes[(self.x.nodes > x[0]) & (self.x.nodes < x[1])]])
        ys = np.concatenate([y, self.y.nodes[(self.y.nodes > y[0]) & (self.y.nodes < y[1])]])
        mesh = np.meshgrid(xs, ys, indexing="ij")
        values = self.at(self.x.locate(mesh[0].ravel()), self.y.locate(mesh[1].ravel()), row)
        return float(values.min()), float(values.max())


def extended(new: Floats, nodes: Floats, values: Floats) -> Floats:
    """Interpolate linearly at ``new``, going on with the end slopes outside the nodes."""
    inside = np.interp(new, nodes, values)
    before = np.minimum(new - nodes[0], 0.0) * (values[1] - values[0]) / (nodes[1] - nodes[0])
    after = np.maximum(new - nodes[-1], 0.0) * (values[-1] - values[-2]) / (nodes[-1] - nodes[-2])
    both: Floats = inside + before + after
    return both
