"""Settings for every test."""

import pytest
from hypothesis import HealthCheck, settings

# Generating inputs takes as long as the machine is busy; that is no fault of what is tested.
settings.register_profile("dawndusk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dawndusk")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the exhaustive tests unless the marker is asked for by name."""
    if "exhaustive" in (config.option.markexpr or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("exhaustive")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
