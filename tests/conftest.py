"""Settings for every test."""

import zlib

import pytest
from hypothesis import HealthCheck, settings

# Generating inputs takes as long as the machine is busy; that is no fault of what is tested.
settings.register_profile("dawndusk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dawndusk")


LONG = (
    "tests/optimize/pareto/test_find.py",
    "tests/optimize/plan/",
    "tests/optimize/search/test_samplers.py",
    "tests/optimize/search/test_surrogate.py",
    "tests/studies/report/",
    "tests/studies/test_plan.py",
    "tests/studies/test_search_commands.py",
    "tests/studies/test_search_export.py",
    "tests/studies/test_searches.py",
    "tests/studies/trials/",
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
