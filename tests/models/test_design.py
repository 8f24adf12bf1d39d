"""Designs and batches refuse what can not be evaluated, with a message that helps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, Design, DesignBatch
from dawndusk.models.errors import DesignError, nearest
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES, UnknownOutcomeError

NOT_NUMBERS = [True, np.bool_(True), "5", None, 5 + 0j, [5], np.array([5.0]), {}]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0, 1e300, 10**400], ids=str)
def test_numbers_out_of_their_domain(design: Design, name: str, bad: float) -> None:
    with pytest.raises(DesignError, match=rf"design\.{name}: .*allowed") as caught:
        design.replace(**{name: bad})
    assert VARIABLES[name].units in str(caught.value)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("bad", NOT_NUMBERS, ids=repr)
def test_what_is_no_number(design: Design, name: str, bad: object) -> None:
    with pytest.raises(DesignError, match=rf"design\.{name}: expected a number in .*, found"):
        design.replace(**{name: bad})


@pytest.mark.parametrize("name", [n for n in NUMBERS if VARIABLES[n].minimum > 0.0])
def test_zero_where_it_means_nothing(design: Design, name: str) -> None:
    with pytest.raises(DesignError, match=rf"design\.{name}: found 0"):
        design.replace(**{name: 0})


@pytest.mark.parametrize("name", [n for n in NUMBERS if VARIABLES[n].kind == "integer"])
def test_counts_are_whole(design: Design, name: str) -> None:
    with pytest.raises(DesignError, match=rf"design\.{name}: expected a whole number, found 2\.5"):
        design.replace(**{name: 2.5})
    assert getattr(design.replace(**{name: np.int64(3)}), name) == 3


@pytest.mark.parametrize("name", NUMBERS)
def test_ends_of_the_domain_are_allowed(design: Design, name: str) -> None:
    variable = VARIABLES[name]
    for end in (variable.minimum, variable.maximum):
        assert getattr(design.replace(**{name: end}), name) == end


@pytest.mark.parametrize("name", CATEGORIES)
@pytest.mark.parametrize("bad", [3, None, True, b"h100", ["h100"]], ids=repr)
def test_categories_are_names(design: Design, name: str, bad: object) -> None:
    with pytest.raises(DesignError, match=rf"design\.{name}: expected a name, found"):
        design.replace(**{name: bad})


@pytest.mark.parametrize(
    ("name", "misspelt", "meant"),
    [("vehicle", "starship_v33", "starship_v3"), ("orbit", "dawn_dusk", "dawn_dusk_sso"),
     ("accelerator", "B200", "b200"), ("radiator", "deployable_aluminum", "deployable_aluminium"),
     ("array", "silicon", "silicon_flexible")],
)  # fmt: skip
def test_unknown_category_names_the_nearest(
    assumptions: Assumptions, design: Design, name: str, misspelt: str, meant: str
) -> None:
    with pytest.raises(DesignError, match=rf"design\.{name}: found '{misspelt}', allowed: .*did you mean '{meant}'"):
        evaluate(design.replace(**{name: misspelt}), assumptions)


@pytest.mark.parametrize("name", CATEGORIES)
def test_empty_category(assumptions: Assumptions, design: Design, name: str) -> None:
    with pytest.raises(DesignError, match=rf"design\.{name}: found '', allowed: "):
        evaluate(design.replace(**{name: ""}), assumptions)


def test_unknown_variable_names_the_nearest(design: Design) -> None:
    with pytest.raises(DesignError, match=r"design\.altitud_km: no such variable.*did you mean 'altitude_km'"):
        design.replace(altitud_km=500.0)


def test_unknown_outcome_names_the_nearest(assumptions: Assumptions, design: Design) -> None:
    with pytest.raises(UnknownOutcomeError, match="did you mean 'wet_mass_kg'"):
        evaluate(design, assumptions).outcome["wet_mas_kg"]


def test_nearest_is_silent_when_nothing_is_near() -> None:
    assert nearest("zzzzzz", OUTCOMES) == ""


def test_empty_batch() -> None:
    with pytest.raises(DesignError, match="at least one design"):
        DesignBatch.of([])


def changed(batch: DesignBatch, **columns: Any) -> DesignBatch:
    return DesignBatch({**batch.values, **columns}, batch.codes, batch.names)


def test_batch_of_unequal_lengths(random_batch: Callable[[int, int], DesignBatch]) -> None:
    batch = random_batch(5, 1)
    with pytest.raises(DesignError, match="one equal length"):
        changed(batch, altitude_km=np.full(4, 600.0))
    with pytest.raises(DesignError, match="one equal length"):
        DesignBatch(batch.values, {**batch.codes, "orbit": np.zeros(6, dtype=np.intp)}, batch.names)
    with pytest.raises(DesignError, match="one equal length"):
        DesignBatch(
            {k: v[:, None] for k, v in batch.values.items()},
            {k: v[:, None] for k, v in batch.codes.items()},
            batch.names,
        )


@pytest.mark.parametrize("name", NUMBERS)
def test_batch_without_a_number(random_batch: Callable[[int, int], DesignBatch], name: str) -> None:
    batch = random_batch(3, 2)
    with pytest.raises(DesignError, match=rf"design\.{name}: missing"):
        DesignBatch({k: v for k, v in batch.values.items() if k != name}, batch.codes, batch.names)


@pytest.mark.parametrize("name", CATEGORIES)
def test_batch_without_a_category(random_batch: Callable[[int, int], DesignBatch], name: str) -> None:
    batch = random_batch(3, 2)
    with pytest.raises(DesignError, match=rf"design\.{name}: missing"):
        DesignBatch(batch.values, {k: v for k, v in batch.codes.items() if k != name}, batch.names)


@pytest.mark.parametrize("part", ["values", "codes", "names"])
def test_batch_with_an_unknown_column_names_the_nearest(
    random_batch: Callable[[int, int], DesignBatch], part: str
) -> None:
    batch = random_batch(3, 2)
    columns: dict[str, Any] = {"values": batch.values, "codes": batch.codes, "names": batch.names}
    known, misspelt = ("altitude_km", "altitud_km") if part == "values" else ("orbit", "orbits")
    columns[part] = {**columns[part], misspelt: columns[part][known]}
    with pytest.raises(DesignError, match=rf"design\.{misspelt}: no such variable.*did you mean '{known}'"):
        DesignBatch(**columns)


NOT_FLOATS = {
    "whole numbers": np.arange(3),
    "truth": np.array([True, False, True]),
    "words": np.array(["1", "2", "3"]),
    "objects": np.array([1.0, 2.0, 3.0], dtype=object),
    "complex numbers": np.array([1j, 2j, 3j]),
    "a list": [1.0, 2.0, 3.0],
    "a number": 1.0,
    "nothing": None,
}


@pytest.mark.parametrize("bad", NOT_FLOATS)
def test_batch_of_what_are_no_floats(random_batch: Callable[[int, int], DesignBatch], bad: str) -> None:
    with pytest.raises(DesignError, match=r"design\.satellites: found .*; allowed: an array of floats"):
        changed(random_batch(3, 2), satellites=NOT_FLOATS[bad])


@pytest.mark.parametrize("bad", [np.zeros(3), np.array([True, False, True]), np.array(["a", "b", "c"]), [0, 0, 0]])
def test_batch_of_what_are_no_codes(random_batch: Callable[[int, int], DesignBatch], bad: Any) -> None:
    batch = random_batch(3, 2)
    with pytest.raises(DesignError, match=r"design\.vehicle: found .*; allowed: an array of whole category codes"):
        DesignBatch(batch.values, {**batch.codes, "vehicle": bad}, batch.names)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0, 1e300])
def test_one_bad_value_in_a_batch(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch], name: str, bad: float
) -> None:
    batch = random_batch(50, 3)
    column = batch.values[name].copy()
    column[37] = bad
    with pytest.raises(DesignError, match=rf"design\.{name}: found"):
        evaluate(changed(batch, **{name: column}), assumptions)


def test_part_of_a_satellite_in_a_batch(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]
) -> None:
    with pytest.raises(DesignError, match=r"design\.satellites: expected a whole number"):
        evaluate(changed(random_batch(2, 4), satellites=np.array([3.0, 3.5])), assumptions)


@pytest.mark.parametrize("name", CATEGORIES)
@pytest.mark.parametrize("bad", [-1, 99])
def test_code_without_a_name(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch], name: str, bad: int
) -> None:
    batch = random_batch(3, 5)
    wrong = DesignBatch(batch.values, {**batch.codes, name: np.array([0, bad, 0])}, batch.names)
    with pytest.raises(DesignError, match=rf"design\.{name}: found a code"):
        evaluate(wrong, assumptions)


def test_batch_returns_the_designs_it_was_made_of(
    design: Design, random_batch: Callable[[int, int], DesignBatch]
) -> None:
    designs = [design, design.replace(orbit="mid_inclination_53", satellites=7), *random_batch(20, 6)]
    batch = DesignBatch.of(designs)
    assert list(batch) == designs
    assert len(batch) == 22
    assert isinstance(batch[0].satellites, int)
    assert batch.take(np.array([1, 0]))[1] == design
    assert batch.columns()["orbit"][1] == "mid_inclination_53"
    assert Design(**design.to_dict()) == design  # type: ignore[arg-type]


def test_the_combination_of_a_design_is_its_name_in_each_category(design: Design) -> None:
    assert design.combination == {name: getattr(design, name) for name in CATEGORIES}
