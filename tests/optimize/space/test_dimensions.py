from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.errors import DesignError
from dawndusk.optimize.space.dimensions import Category, RealNumber, Space, WholeNumber

SPACE = Space(
    {
        "size": WholeNumber(8, 1024, logarithmic=True),
        "terminals": WholeNumber(0, 12),
        "altitude": RealNumber(400.0, 1600.0),
        "cadence": RealNumber(0.5, 1000.0, logarithmic=True),
        "vehicle": Category(("falcon_9", "starship_v3", "new_glenn_7x2")),
    }
)

points = st.fixed_dictionaries(
    {
        "size": st.integers(8, 1024),
        "terminals": st.integers(0, 12),
        "altitude": st.floats(400, 1600),
        "cadence": st.floats(0.5, 1000),
        "vehicle": st.sampled_from(["falcon_9", "starship_v3", "new_glenn_7x2"]),
    }
)


@given(points)
def test_a_point_survives_its_row(point: dict[str, str | int | float]) -> None:
    (back,) = SPACE.decode(SPACE.encode([point]))
    assert {name: back[name] for name in ("size", "terminals", "vehicle")} == {
        name: point[name] for name in ("size", "terminals", "vehicle")
    }
    assert back["altitude"] == pytest.approx(point["altitude"], rel=1e-12)
    assert back["cadence"] == pytest.approx(point["cadence"], rel=1e-12)


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_every_row_is_a_point_of_the_space(shares: list[float]) -> None:
    row = np.array([shares])
    row[0, 4] = int(shares[4] * 2.999)
    (point,) = SPACE.decode(row)
    assert SPACE.check(point) == point


def test_whole_numbers_have_equal_shares() -> None:
    dimension = WholeNumber(1, 4)
    counts = np.bincount([dimension.decode(share) for share in np.linspace(0, 1, 4001)[:-1]])
    assert counts[1:].tolist() == pytest.approx([1000] * 4, abs=1)


def test_a_logarithmic_middle_is_the_geometric_mean() -> None:
    assert RealNumber(1.0, 100.0, logarithmic=True).decode(0.5) == pytest.approx(10.0)
    assert RealNumber(1.0, 100.0).decode(0.5) == pytest.approx(50.5)


def test_sizes() -> None:
    assert SPACE.size == math.inf
    assert Space({"a": WholeNumber(1, 3), "b": Category(("x", "y"))}).size == 6
    assert Space({"a": RealNumber(2.0, 2.0)}).size == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 7}, r"point\.size: found 7; allowed a whole number from 8 to 1024"),
        ({"size": 9.5}, r"point\.size: found 9\.5; allowed a whole number"),
        ({"size": True}, r"point\.size: found True"),
        ({"altitude": math.nan}, r"point\.altitude: found nan; allowed a number from 400 to 1600"),
        ({"altitude": "high"}, r"point\.altitude: found 'high'"),
        ({"vehicle": "falcon9"}, r"point\.vehicle: found 'falcon9'; allowed .*did you mean 'falcon_9'"),
        ({"vehicel": "falcon_9"}, r"point\.vehicel: no such variable; allowed .*did you mean 'vehicle'"),
    ],
)
def test_a_wrong_point_is_explained(change: dict[str, object], message: str) -> None:
    point = {"size": 8, "terminals": 0, "altitude": 500.0, "cadence": 1.0, "vehicle": "falcon_9"}
    with pytest.raises(DesignError, match=message):
        SPACE.check({**point, **change})


def test_a_missing_value_is_named() -> None:
    with pytest.raises(DesignError, match=r"trial 3\.terminals: missing"):
        SPACE.check({"size": 8}, "trial 3")


def test_whole_floats_become_whole_numbers() -> None:
    point = {"size": 8.0, "terminals": 0, "altitude": 500, "cadence": 1.0, "vehicle": "falcon_9"}
    checked = SPACE.check(point)
    assert (type(checked["size"]), type(checked["altitude"])) == (int, float)
