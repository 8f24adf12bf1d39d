"""Launch: payload by orbit, integer packing, price by year and volume, cadence and deployment.

Source of the climb: Tsiolkovsky. The paths of price, success and flight rate are assumptions, stated by row.
"""

from __future__ import annotations

import numpy as np

from dawndusk.models.array import Array, is_stated
from dawndusk.models.assumptions import Launch, Vehicle
from dawndusk.models.constants import STANDARD_GRAVITY_M_S2
from dawndusk.models.physics.orbit import radius_m, speed_m_s
from dawndusk.models.rounding import rounded_down, rounded_up

SITE_INCLINATION_DEG = 28.5
POLAR_INCLINATION_DEG = 97.79
QUOTED_LOW_KM = 200.0
QUOTED_SSO_KM = 600.0
LOG_2 = float(np.log(2.0))
PATH_HORIZON_YEARS = 50.0  # price and cadence paths stand still after that


def payload_kg(vehicle: Vehicle, speed: Array, inclination_deg: Array) -> Array:
    """Return the payload in kg to a circular orbit of the given speed (m/s) and inclination.

    From the quoted payloads: linear in inclination through a due-east launch (28.5 degrees, 200 km; no lower
    inclination gives more) and a 600 km sun-synchronous orbit, then the rocket equation of the last stage for the
    difference in circular speed to the altitude of the quote, which a two-burn transfer needs to first order. Never
    negative.
    """
    share = (inclination_deg - SITE_INCLINATION_DEG) * (1.0 / (POLAR_INCLINATION_DEG - SITE_INCLINATION_DEG))
    share = np.maximum(share, 0.0)
    quoted = 1.0 - (1.0 - vehicle.sso_ratio) * share
    low, high = (float(speed_m_s(radius_m(altitude))) for altitude in (QUOTED_LOW_KM, QUOTED_SSO_KM))
    climb = low - speed - share * (low - high)
    burn = np.exp(climb / (vehicle.stage_isp_s * -STANDARD_GRAVITY_M_S2))
    ratio = (quoted + vehicle.stage_dry_ratio) * burn - vehicle.stage_dry_ratio
    return vehicle.payload_leo_kg * np.maximum(ratio, 0.0)


def usable_payload_kg(launch: Launch, payload: Array) -> Array:
    """Return the satellite mass that one launch can carry, after margins and dispenser."""
    return payload * (launch.mass_fill * (1.0 - launch.adapter_fraction))


def usable_fairing_m3(launch: Launch, vehicle: Vehicle) -> Array:
    """Return the stowed volume in m3 that one launch can carry."""
    return vehicle.fairing_m3 * launch.volume_fill


def satellites_per_launch(usable_kg: Array, wet_mass_kg: Array, usable_m3: Array, stowed_m3: Array) -> Array:
    """Return the whole number of satellites that fit by mass and by volume, at least one.

    Where not even one fits, the packing and fairing rules are violated by the missing share.
    """
    return np.maximum(rounded_down(np.minimum(usable_kg / wet_mass_kg, usable_m3 / stowed_m3)), 1.0)


def launches(satellites: Array, per_launch: Array, success: Array) -> Array:
    """Return the whole number of launches to buy so that, in expectation, all satellites arrive."""
    return rounded_up(satellites / (per_launch * success))


def success_probability(vehicle: Vehicle, year: Array) -> Array:
    """Return the probability that a launch in ``year`` succeeds: the gap to the mature value decays with time."""
    elapsed = np.maximum(year - vehicle.price_year, 0.0)
    gap = (vehicle.success_mature - vehicle.success_probability) * np.exp(-elapsed / vehicle.maturing_years)
    return vehicle.success_mature - gap


def insured_share(launch: Launch, success: Array) -> Array:
    """Return commercial insurance over the value that flies: the premium net of the losses that it pays."""
    risk = launch.insurance_premium - (1.0 - success)
    return np.maximum(risk, 0.0) * launch.insured_fraction


def cadence_cap_per_year(launch: Launch, vehicle: Vehicle, year: Array) -> Array:
    """Return the launches per year that the programme can buy in ``year``: its share of a growing, capped rate."""
    elapsed = np.minimum(np.maximum(year - vehicle.cadence_year, 0.0), PATH_HORIZON_YEARS)
    grown = vehicle.cadence_per_year * np.exp(elapsed * np.log1p(vehicle.cadence_growth_per_year))
    return launch.programme_share * np.minimum(grown, vehicle.cadence_limit_per_year)


def listed_price_usd(vehicle: Vehicle, year: Array) -> Array:
    """Return the price of one launch in ``year``: a yearly decline from the quoted year down to a floor."""
    elapsed = np.minimum(np.maximum(year - vehicle.price_year, 0.0), PATH_HORIZON_YEARS)
    declined = vehicle.price_usd * np.exp(elapsed * np.log1p(-vehicle.price_decline_per_year))
    return np.maximum(declined, np.minimum(vehicle.price_floor_usd, vehicle.price_usd))


def price_usd(launch: Launch, listed_usd: Array, floor_usd: Array, bought: Array, cadence_share: Array) -> Array:
    """Return the price of one launch in USD for a programme.

    A volume discount for each doubling beyond the reference number, not below the floor of the price path, and a
    premium that grows with the square of the share of the cadence cap in use.
    """
    premium = 1.0 + launch.cadence_premium * cadence_share * cadence_share
    if not is_stated(launch.volume_discount_per_doubling):
        return listed_usd * premium
    doublings = np.log(np.maximum(bought * (1.0 / launch.volume_reference_launches), 1.0))
    discount = np.exp(doublings * (np.log1p(-launch.volume_discount_per_doubling) / LOG_2))
    return np.maximum(listed_usd * discount, np.minimum(floor_usd, listed_usd)) * premium
