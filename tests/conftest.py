"""Settings for every test, and an effect that the model does not have, for tests that it reaches everything."""

from __future__ import annotations

import dataclasses
import threading
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Assumptions
from dawndusk.models.columns import _Step
from dawndusk.models.recording.rows import Rows

# Generating inputs takes as long as the machine is busy; that is no fault of what is tested.
settings.register_profile("dawndusk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dawndusk")


LONG = (
    "tests/docs/test_examples.py::test_commands_run_and_print_what_the_page_shows[docs/concepts/",
    "tests/docs/test_examples.py::test_python_blocks_run[docs/",
    "tests/optimize/certify/test_milp.py",
    "tests/optimize/certify/test_search.py",
    "tests/optimize/explain/test_optimum.py",
    "tests/optimize/pareto/test_find.py",
    "tests/optimize/plan/",
    "tests/optimize/trials/test_samplers.py",
    "tests/optimize/trials/test_surrogate.py",
    "tests/studies/input/test_library.py",
    "tests/studies/output/report/",
    "tests/studies/run/front/test_fronts.py",
    "tests/studies/run/plan/test_plan.py",
    "tests/studies/cli/test_search_commands.py",
    "tests/studies/output/exports/test_search_export.py",
    "tests/studies/run/trials/test_searches.py",
    "tests/studies/run/store/",
    "tests/studies/web/",
)
"""Tests that are long together, each of them slow: they solve, draw, serve, or start processes."""
ONE_IN = 6
"""Of the slow tests every run has about one in so many, always the same; -m slow has all of them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the exhaustive tests and most of the slow ones, unless the marker or the test is asked for by name."""
    for item in items:
        if item.nodeid.startswith(LONG):
            item.add_marker("slow")
    asked = config.option.markexpr or ""
    named = any("::" in argument for argument in config.args)
    left_out = [
        item
        for item in items
        if (item.get_closest_marker("exhaustive") and "exhaustive" not in asked)
        or (item.get_closest_marker("slow") and "slow" not in asked and not named and not _is_sampled(item))
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _is_sampled(item: pytest.Item) -> bool:
    return zlib.crc32(item.nodeid.encode()) % ONE_IN == 0


BEARS_ON = {
    "reliability": ("accelerator_failure_per_year", "satellite_loss_per_year"),
    "radiation": ("latchup_per_year",),
    "cost": (
        "compute_qualification",
        "onboard_network_usd_per_w",
        "operations_fraction_per_year",
        "orbital_use_fee_usd_per_year",
        "disposal_usd_per_satellite",
    ),
    "network": ("terminal_usd", "terminal_mass_kg"),
}


def left_by(array_oversize: Array) -> Array:
    """Return what a larger array leaves of what the effect bears on: 1.2 at 0.9, and 0.4 at 1.3."""
    return np.maximum(3.0 - array_oversize * 2.0, 0.2)


@pytest.fixture
def new_effect(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Callable[[Array], Array]]:
    """Give the model, and nothing else, a design variable that bears on failures, losses, fees and prices, when called.

    Returns what the array's size leaves of them. Recordings that were made before are made again, and once more
    afterwards.
    """
    begin = _Step.__init__

    def begin_with_effect(self: _Step, x: Mapping[str, Array], rows: Rows, a: Assumptions, o: dict[str, Array]) -> None:
        left = left_by(x["array_oversize"])
        groups: dict[str, Any] = {
            group: dataclasses.replace(
                getattr(a, group), **{name: getattr(getattr(a, group), name) * left for name in names}
            )
            for group, names in BEARS_ON.items()
        }
        begin(self, x, rows, dataclasses.replace(a, **groups), o)

    def start() -> Callable[[Array], Array]:
        monkeypatch.setattr(_Step, "__init__", begin_with_effect)
        monkeypatch.setattr("dawndusk.models.evaluate._local", threading.local())
        return left_by

    return start
