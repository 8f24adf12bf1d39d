"""What a difference between two designs is made of: parts that add up to it exactly.

The objective of each design is written as a sum of terms, each a product of factors: a cost in dollars per installed
compute, the time value of a slow deployment, the share of time that is useful, and so on. The logarithmic mean Divisia
index splits the difference of two such sums into one part per factor without a remainder.

Source: Ang, Decomposition analysis for policymaking in energy: which is the preferred method?, Energy Policy 32 (2004).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design
from dawndusk.models.programme.cost import annuity_years, carry_factor, continuous, spread_factor
from dawndusk.optimize.problem import Problem

SATELLITE_COSTS = (
    "array_cost_usd",
    "pmad_cost_usd",
    "battery_cost_usd",
    "radiator_cost_usd",
    "thermal_loop_cost_usd",
    "shielding_cost_usd",
    "communications_cost_usd",
    "bus_cost_usd",
)
BEFORE_LAUNCH = ("factory_cost_usd", "programme_cost_usd")
DEPLOYED = ("compute_cost_usd", *SATELLITE_COSTS, "launch_cost_usd", "insurance_cost_usd")

GROUPS: Mapping[str, tuple[str, ...]] = {
    "launch": ("launch_cost_usd", "insurance_cost_usd"),
    "satellites": SATELLITE_COSTS,
    "compute": ("compute_cost_usd",),
    "programme": BEFORE_LAUNCH,
    "operations": ("opex_usd_per_year", "disposal_cost_usd"),
    "delay": ("deployment_years",),
    "availability": ("availability", "network_fraction", "demand_fraction"),
    "life": ("life_years", "in_service_fraction"),
}
"""Parts by the name that a person reads; a part in none of them is its own group.

``delay`` is the discount and the ageing that a long deployment costs in delivered work, net of the cost that it
postpones; ``life`` is the work that a satellite does while it flies, ageing and failures counted.
"""


@dataclass(frozen=True)
class FactorTerm:
    """A product of named factors; the first one owns what the others can not explain."""

    factors: Mapping[str, float]
    sign: float = 1.0

    @property
    def value(self) -> float:
        """Return the product."""
        return self.sign * math.prod(self.factors.values())


def logarithmic_mean(one: float, other: float) -> float:
    """Return the logarithmic mean ``(a - b) / ln(a / b)`` of two positive numbers, ``a`` where they are equal."""
    ratio = math.log(other / one)
    return one * math.expm1(ratio) / ratio if ratio else one


def split(before: Mapping[str, FactorTerm], after: Mapping[str, FactorTerm]) -> dict[str, float]:
    """Return what each factor adds to the sum of the terms between ``before`` and ``after``.

    Parameters
    ----------
    before, after : mapping of str to Term
        The same names of terms, and of factors in each.

    Returns
    -------
    dict of str to float
        Parts by factor; they add up to the difference of the two sums.
    """
    parts: dict[str, float] = {}
    for name, old in before.items():
        for factor, part in _term_parts(old, after[name]):
            parts[factor] = parts.get(factor, 0.0) + part
    return parts


def _term_parts(old: FactorTerm, new: FactorTerm) -> Iterator[tuple[str, float]]:
    """Yield what each factor adds to one term; all of it to the first where a logarithm does not exist."""
    owner = next(iter(old.factors))
    if any(not 0.0 < value < math.inf for term in (old, new) for value in term.factors.values()):
        yield owner, new.value - old.value
        return
    mean = old.sign * logarithmic_mean(abs(old.value), abs(new.value))
    rest = new.value - old.value
    for factor in list(old.factors)[1:]:
        part = mean * math.log(new.factors[factor] / old.factors[factor])
        rest -= part
        yield factor, part
    yield owner, rest


def terms(problem: Problem, design: Design) -> dict[str, FactorTerm]:
    """Return the objective of a design as a sum of terms, which add up to it.

    Costs per compute, cost, capital and net value are split by outcome; any other objective is one term.
    """
    outcome = problem.score_one(design).evaluation.outcome.row(0)
    return terms_of(problem.objective, outcome, design.life_years, problem.assumptions)


def terms_of(
    objective: str, outcome: Mapping[str, float], life_years: float, assumptions: Assumptions
) -> dict[str, FactorTerm]:
    """Return an objective as a sum of terms, from all outcomes of one design."""
    if objective in {"capex_usd", "capex_usd_per_w"}:
        per = outcome["capex_usd"] / outcome[objective] if outcome[objective] else 1.0
        return {name: FactorTerm({name: outcome[name] / per}) for name in (*DEPLOYED, *BEFORE_LAUNCH)}
    if objective == "discounted_cost_usd":
        return _discounted(outcome, life_years, assumptions)
    if objective == "value_usd":
        costs = _discounted(outcome, life_years, assumptions)
        revenue = FactorTerm({"installed_pflops": outcome["revenue_usd"]})
        if outcome["revenue_usd"] > 0.0:
            revenue = FactorTerm(_scaled(_work(outcome, life_years, assumptions), outcome["revenue_usd"]))
        return {"revenue_usd": revenue, **{name: FactorTerm(term.factors, -1.0) for name, term in costs.items()}}
    if objective in _LEVELISED:
        return _levelised(objective, outcome, life_years, assumptions)
    return {objective: FactorTerm({objective: outcome[objective]})}


_LEVELISED = {
    "lcoc_usd_per_pflop_hour",
    "cost_ratio_to_ground",
    "cost_usd_per_accelerator_hour",
    "cost_usd_per_kw_year",
    "training_run_cost_usd",
}


def _discounted(outcome: Mapping[str, float], life_years: float, assumptions: Assumptions) -> dict[str, FactorTerm]:
    """Return the discounted cost as one term for each cost, with the discount of the deployment as a factor."""
    scenario = assumptions.scenario
    rate, years = continuous(scenario.discount_rate), outcome["deployment_years"]
    carry, spread = carry_factor(rate * scenario.lead_years), float(spread_factor(years * rate))
    operating = float(annuity_years(rate, life_years))
    fixed = assumptions.cost.operations_fixed_usd_per_year
    running = outcome["opex_usd_per_year"] - fixed
    retired = outcome["disposal_cost_usd"] * math.exp(-life_years * rate)
    control = float(annuity_years(rate, years + life_years)) * fixed
    found = {name: FactorTerm({name: outcome[name] * carry}) for name in BEFORE_LAUNCH}
    found |= {name: FactorTerm({name: outcome[name], "deployment_years": spread}) for name in DEPLOYED}
    found["disposal_cost_usd"] = FactorTerm({"disposal_cost_usd": retired, "deployment_years": spread})
    found["running"] = FactorTerm({"opex_usd_per_year": running * operating, "deployment_years": spread})
    found["control"] = FactorTerm({"opex_usd_per_year": control})
    return found


def _work(outcome: Mapping[str, float], life_years: float, assumptions: Assumptions) -> dict[str, float]:
    """Return the delivered, discounted work as a product of factors; failures make up what the others leave."""
    scenario = assumptions.scenario
    falling = continuous(scenario.discount_rate) + continuous(scenario.technology_ageing_per_year)
    factors = {
        "installed_pflops": outcome["installed_pflops"],
        "availability": outcome["availability"],
        "network_fraction": outcome["network_fraction"],
        "demand_fraction": outcome["demand_fraction"],
        "deployment_years": float(spread_factor(outcome["deployment_years"] * falling)),
        "life_years": float(annuity_years(falling, life_years)),
    }
    factors["in_service_fraction"] = outcome["delivered_worth_pflop_hours"] / math.prod(factors.values())
    return factors


def _scaled(factors: Mapping[str, float], product: float) -> dict[str, float]:
    """Return the factors with the first one such that the product is ``product``."""
    owner = next(iter(factors))
    return {**factors, owner: factors[owner] * product / math.prod(factors.values())}


def _levelised(
    objective: str, outcome: Mapping[str, float], life_years: float, assumptions: Assumptions
) -> dict[str, FactorTerm]:
    """Return a levelised cost: each discounted cost per installed compute, times what divides it by work."""
    work = _work(outcome, life_years, assumptions)
    installed = work.pop("installed_pflops")
    shared = {name: 1.0 / value for name, value in work.items()}
    shared |= _beyond_levelised(objective, outcome, shared)
    found = {}
    for name, term in _discounted(outcome, life_years, assumptions).items():
        (owner, cost), *delay = term.factors.items()
        factors = {owner: cost / installed, **shared}
        for factor, value in delay:
            factors[factor] *= value
        found[name] = FactorTerm(factors)
    return found


def _beyond_levelised(objective: str, outcome: Mapping[str, float], shared: Mapping[str, float]) -> dict[str, float]:
    """Return the factors that turn the levelised cost into a relative of it."""
    over = outcome[objective] / outcome["lcoc_usd_per_pflop_hour"]
    if objective == "lcoc_usd_per_pflop_hour":
        return {}
    if objective == "cost_ratio_to_ground":
        return {"ground_lcoc_usd_per_pflop_hour": over}
    if objective == "training_run_cost_usd":
        return {"checkpoint_efficiency": over}
    served = dict.fromkeys(("network_fraction", "demand_fraction"), 1.0)
    factor = math.prod(shared[name] for name in served)
    return {**served, "installed_pflops": over * factor}


def grouped(parts: Mapping[str, float]) -> dict[str, float]:
    """Return parts summed by the groups that a person reads, largest first; zeros are left out."""
    group_of = {part: group for group, members in GROUPS.items() for part in members}
    found: dict[str, float] = {}
    for name, part in parts.items():
        group = group_of.get(name, name)
        found[group] = found.get(group, 0.0) + part
    return dict(sorted(((n, v) for n, v in found.items() if v), key=lambda pair: -abs(pair[1])))
