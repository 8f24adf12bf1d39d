"""The registry of enclosures: what asks for one has one, and what has none is refused by name."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from dawndusk.models import array
from dawndusk.models.array import BOUNDED_WHOLE, MONOTONE_FUNCTIONS, bounded_whole, full_name, monotone
from dawndusk.models.physics.reliability import share_served
from dawndusk.models.physics.thermal import equilibrium_temperature_k
from dawndusk.models.programme.cost import annuity_years, spread_factor
from dawndusk.optimize.certify.functions import enclosures
from dawndusk.optimize.certify.functions.enclosures import (
    ENCLOSURES,
    Algebra,
    bounded_as_a_whole,
    bounded_by_curves,
    encloses,
    enclosure_of,
)
from dawndusk.optimize.certify.graph.statement import STEPWISE, UNITS
from dawndusk.optimize.errors import CertificateError, NotBoundedError, UnenclosedError


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function new to the model that asks to be bounded as a whole; forgotten after the test."""
    for registry in ("MONOTONE_FUNCTIONS", "BOUNDED_WHOLE"):
        monkeypatch.setattr(array, registry, dict(getattr(array, registry)))
    monkeypatch.setattr(enclosures, "BOUNDED_WHOLE", array.BOUNDED_WHOLE)
    monkeypatch.setattr(enclosures, "ENCLOSURES", dict(ENCLOSURES))

    @bounded_whole
    @monotone(x="+")
    def settled(x: Any) -> Any:
        return x / (1.0 + x)

    return settled


def test_every_function_that_is_bounded_as_a_whole_has_an_enclosure() -> None:
    assert ENCLOSURES.keys() == BOUNDED_WHOLE.keys()


def test_every_function_that_is_bounded_as_a_whole_is_monotone() -> None:
    """Only those are recorded as one operation."""
    assert BOUNDED_WHOLE.keys() <= MONOTONE_FUNCTIONS.keys()


def test_a_certificate_records_all_of_them_and_a_linear_model_those_of_one_number() -> None:
    assert set(UNITS) == {spread_factor, share_served, equilibrium_temperature_k} == set(bounded_as_a_whole())
    assert set(STEPWISE) == {spread_factor, equilibrium_temperature_k} == set(bounded_by_curves())


@pytest.mark.parametrize("function", [spread_factor, share_served, equilibrium_temperature_k])
def test_an_enclosure_is_found_by_the_function_and_by_what_it_wraps(function: Any) -> None:
    assert enclosure_of(function) is enclosure_of(inspect.unwrap(function))
    assert enclosure_of(function) is ENCLOSURES[full_name(function)]


def test_a_function_without_an_enclosure_is_refused_by_name(declared: Any) -> None:
    with pytest.raises(UnenclosedError, match=r"settled: found no enclosure.*spread_factor.*encloses"):
        enclosure_of(declared)


def test_a_function_without_an_enclosure_is_recorded_whole_by_both_bounds(declared: Any) -> None:
    """So that both refuse it: neither bounds it step by step instead."""
    assert declared in bounded_as_a_whole()
    assert declared in bounded_by_curves()


def test_a_function_that_is_not_declared_gets_no_enclosure() -> None:
    with pytest.raises(ValueError, match=r"annuity_years: found no declaration bounded_whole; allowed: .*share_served"):
        encloses(annuity_years, of_one_number=True)(lambda algebra, reads, exact: reads[0])


def test_a_function_gets_one_enclosure_only() -> None:
    with pytest.raises(ValueError, match="spread_factor: found a second enclosure"):
        encloses(spread_factor, of_one_number=True)(lambda algebra, reads, exact: reads[0])


@pytest.mark.parametrize("of_one_number", [False, True])
def test_what_is_registered_is_found(declared: Any, of_one_number: bool) -> None:
    @encloses(declared, of_one_number=of_one_number)
    def build(algebra: Algebra[Any], reads: Any, exact: Any) -> Any:
        return reads[0]

    assert enclosure_of(declared).build is build
    assert (declared in bounded_by_curves()) == of_one_number


def test_what_has_no_enclosure_is_not_bounded_and_no_contradiction() -> None:
    """A search says which engine to take instead; nobody is told that a certificate is wrong."""
    assert issubclass(UnenclosedError, NotBoundedError)
    assert not issubclass(UnenclosedError, CertificateError)


def test_a_declared_function_is_the_function_itself(declared: Any) -> None:
    assert declared(3.0) == 0.75
    np.testing.assert_allclose(declared(np.array([0.0, 1.0])), [0.0, 0.5])
    assert array.BOUNDED_WHOLE[full_name(declared)] is declared
