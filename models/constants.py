"""Physical constants and unit conversions. Values that are beliefs live in the assumptions, not here."""

from __future__ import annotations

import math

EARTH_MU_M3_S2 = 3.986004418e14  # WGS-84 / EGM96 gravitational parameter
EARTH_RADIUS_M = 6_378_137.0  # WGS-84 equatorial radius
EARTH_J2 = 1.08262668e-3  # EGM96 second zonal harmonic

STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8  # CODATA 2018
BOLTZMANN_EV_K = 8.617333262e-5  # CODATA 2018
STANDARD_GRAVITY_M_S2 = 9.80665  # CGPM 1901, exact
ALUMINIUM_DENSITY_KG_M3 = 2700.0  # the thickness axis of the dose tables assumes 2.70 g/cm3

TROPICAL_YEAR_DAYS = 365.2422
SECONDS_PER_DAY = 86_400.0
HOURS_PER_YEAR = 8_760.0
SECONDS_PER_YEAR = 365.25 * SECONDS_PER_DAY
OBLIQUITY_RAD = math.radians(23.43928)  # Astronomical Almanac, J2000

SECONDS_PER_MINUTE = 60.0
SECONDS_PER_HOUR = 3_600.0
HOURS_PER_DAY = 24.0
METRES_PER_KM = 1e3
MM_PER_M = 1e3
KG_PER_TONNE = 1e3
MJ_PER_TJ = 1e6
JOULES_PER_MJ = 1e6
WATTS_PER_KW = 1e3
WATTS_PER_MW = 1e6
WH_PER_KWH = 1e3
TFLOPS_PER_PFLOPS = 1e3
FLOP_S_PER_TFLOPS = 1e12

PRICE_YEAR = 2026  # all amounts are USD of this year
