"""Settings for every test."""

from hypothesis import HealthCheck, settings

# Generating inputs takes as long as the machine is busy; that is no fault of what is tested.
settings.register_profile("dawndusk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dawndusk")
