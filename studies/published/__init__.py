"""How others keep the books: their accounting methods as small functions over the product's own physics.

``METHODS`` holds every method by the name that validation cases use; ``published_metrics`` reports a design in the
terms of the published studies.
"""

from __future__ import annotations

from dawndusk.models.errors import nearest, one_of
from dawndusk.studies.published.mccalip import MCCALIP
from dawndusk.studies.published.method import Method, MethodError, shown
from dawndusk.studies.published.orbits import ECLIPSE, ECLIPSE_AT_BETA, ECLIPSE_FREE_ALTITUDE, SSO_INCLINATION
from dawndusk.studies.published.radiators import RADIATOR_FLUX, RADIATOR_TEMPERATURE, VIEW_FACTOR_EDGE_ON
from dawndusk.studies.published.report import Anchor, PublishedMetric, published_metrics
from dawndusk.studies.published.spenvis import DOSE
from dawndusk.studies.published.suncatcher import LAUNCH_LEARNING, LAUNCHED_POWER_PRICE
from dawndusk.studies.published.turyshev import TURYSHEV_BREAKEVEN, TURYSHEV_CLOSURE

__all__ = ["METHODS", "Anchor", "Method", "MethodError", "PublishedMetric", "method_named", "published_metrics"]

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        MCCALIP,
        LAUNCHED_POWER_PRICE,
        LAUNCH_LEARNING,
        TURYSHEV_CLOSURE,
        TURYSHEV_BREAKEVEN,
        DOSE,
        ECLIPSE,
        ECLIPSE_AT_BETA,
        ECLIPSE_FREE_ALTITUDE,
        SSO_INCLINATION,
        VIEW_FACTOR_EDGE_ON,
        RADIATOR_FLUX,
        RADIATOR_TEMPERATURE,
    )
}
"""Every method by its name."""


def method_named(name: str) -> Method:
    """Return a method, or raise with the nearest valid name."""
    if name not in METHODS:
        raise MethodError(f"found {shown(name)}, no such method; allowed: {one_of(METHODS)}{nearest(name, METHODS)}")
    return METHODS[name]
