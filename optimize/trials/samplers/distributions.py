"""A space in the words of Optuna."""

from __future__ import annotations

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from dawndusk.optimize.space.dimensions import Category, Dimension, RealNumber, Space


def distributions_of(space: Space) -> dict[str, BaseDistribution]:
    """Return a space as Optuna's distributions: integers and categories as they are."""
    return {name: _distribution(dimension) for name, dimension in space.dimensions.items()}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Category):
        return CategoricalDistribution(dimension.names)
    if isinstance(dimension, RealNumber):
        return FloatDistribution(dimension.low, dimension.high, log=dimension.logarithmic)
    return IntDistribution(dimension.low, dimension.high, log=dimension.logarithmic)
