"""What the tests of the models share: the shipped assumptions, one plain design, random designs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, Design, DesignBatch, Variable
from dawndusk.studies.data import default_assumptions

WIDE_RATIO = 50.0


@pytest.fixture(scope="session")
def assumptions() -> Assumptions:
    return default_assumptions()


@pytest.fixture(scope="session")
def design() -> Design:
    """A 200 MW fleet that nothing is special about."""
    return Design(
        accelerator="b200",
        accelerators_per_satellite=64,
        satellites=2500,
        orbit="dawn_dusk_sso",
        altitude_km=700.0,
        radiator="deployable_aluminium",
        radiator_area_m2=170.0,
        shielding_mm=8.0,
        array="iii_v_rosa",
        array_oversize=1.1,
        eclipse_ride_through=0.0,
        spare_fraction=0.1,
        optical_terminals=4,
        life_years=5.0,
        vehicle="starship_v3",
        launches_per_year=60.0,
    )


@pytest.fixture(scope="session")
def random_batch(assumptions: Assumptions) -> Callable[[int, int], DesignBatch]:
    """Designs over the whole domain of every variable and every category, by count and seed."""

    def draw(variable: Variable, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        low, high = variable.minimum, variable.maximum
        wide = low > 0.0 and high / low > WIDE_RATIO
        x = np.exp(rng.uniform(np.log(low), np.log(high), count)) if wide else rng.uniform(low, high, count)
        return np.clip(np.rint(x) if variable.kind == "integer" else x, low, high)

    def make(count: int, seed: int) -> DesignBatch:
        rng = np.random.default_rng(seed)
        names = {name: tuple(getattr(assumptions, VARIABLES[name].catalogue)) for name in CATEGORIES}
        return DesignBatch(
            {name: draw(VARIABLES[name], count, rng) for name in NUMBERS},
            {name: rng.integers(0, len(names[name]), count) for name in CATEGORIES},
            names,
        )

    return make
