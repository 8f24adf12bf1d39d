"""Some of the boxes of a forward pass: what a backward pass reads of them, picked out when it is asked for."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.forms import AffineForm

Places: TypeAlias = NDArray[np.intp]


class SelectedBounds(ForwardBounds):
    """A forward pass over some of its boxes: forms and lines are those of the whole, and none is worked out anew.

    Parameters
    ----------
    whole : Forward
        The pass over all boxes.
    chosen : array of int
        Places of the boxes among them, in rising order.
    """

    def __init__(self, whole: ForwardBounds, chosen: Places) -> None:
        low, high, least, most = (
            part.take(chosen, axis=1) for part in (whole.low, whole.high, whole.least, whole.most)
        )
        super().__init__(low, high, whole.combination[chosen], least, most, whole.limits)
        self.forms = cast("list[AffineForm]", _PickedForms(whole, chosen))
        self.kept = _PickedLines(whole, chosen)


class _PickedForms(dict[int, AffineForm]):
    """Forms by node, each picked out at its first use."""

    def __init__(self, whole: ForwardBounds, chosen: Places) -> None:
        super().__init__()
        self._whole, self._chosen = whole, chosen

    def __missing__(self, node: int) -> AffineForm:
        form = self[node] = _PickedForm(self._whole.forms[node], self._chosen, self._whole.count)
        return form


class _PickedForm(AffineForm):
    """A form of which each array is picked out at its first use."""

    __slots__ = ("_chosen", "_count", "_whole")

    def __init__(self, whole: AffineForm, chosen: Places, count: int) -> None:
        self.axes = whole.axes
        self._whole, self._chosen, self._count = whole, chosen, count

    def __getattr__(self, name: str) -> Any:
        found = picked(getattr(self._whole, name), self._chosen, self._count)
        setattr(self, name, found)
        return found


class _PickedLines(dict[int, Any]):
    """What a pass kept of nodes, each picked out at its first use."""

    def __init__(self, whole: ForwardBounds, chosen: Places) -> None:
        super().__init__()
        self._whole, self._chosen = whole, chosen

    def __missing__(self, node: int) -> Any:
        found = self[node] = picked(self._whole.kept[node], self._chosen, self._whole.count)
        return found


def picked(value: Any, chosen: Places, count: int) -> Any:
    """Return some of ``count`` boxes' values: of an array whose last axis they are, or of all arrays in a value."""
    if isinstance(value, np.ndarray):
        return value.take(chosen, axis=-1) if value.ndim and value.shape[-1] == count else value
    if isinstance(value, tuple):
        return tuple(picked(part, chosen, count) for part in value)
    if dataclasses.is_dataclass(value):
        parts = {f.name: picked(getattr(value, f.name), chosen, count) for f in dataclasses.fields(value)}
        return dataclasses.replace(cast("Any", value), **parts)
    return value
