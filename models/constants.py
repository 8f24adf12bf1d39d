"""Physical constants and unit conversions. Values that are beliefs live in the assumptions, not here."""

from __future__ import annotations

import math

EARTH_MU_M3_S2 = 3.986004418e14  # WGS-84 / EGM96 gravitational parameter
EARTH_RADIUS_M = 6_378_137.0  # WGS-84 equatorial radius
EARTH_J2 = 1.08262668e-3  # EGM96 second zonal harmonic
EARTH_ROTATION_RAD_S = 7.2921159e-5  # WGS-84 mean angular velocity

STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8  # CODATA 2018
BOLTZMANN_EV_K = 8.617333262e-5  # CODATA 2018
STANDARD_GRAVITY_M_S2 = 9.80665  # CGPM 1901, exact
ALUMINIUM_DENSITY_KG_M3 = 2700.0  # the thickness axis of the dose tables assumes 2.70 g/cm3

TROPICAL_YEAR_DAYS = 365.2422
SECONDS_PER_DAY = 86_400.0
HOURS_PER_YEAR = 8_760.0
SECONDS_PER_YEAR = 365.25 * SECONDS_PER_DAY
OBLIQUITY_RAD = math.radians(23.43928)  # Astronomical Almanac, J2000

PRICE_YEAR = 2026  # all amounts are USD of this year
