"""The studies of the library, each with the numbers that people will quote.

The recorded numbers are those of the shipped data and of the engine ``evolution``, which is quick wherever it runs.
After a change to data, models or a study, print fresh ones with

    .venv/bin/python tests/studies/test_library.py

and state the change in CHANGELOG.md.
"""

from __future__ import annotations

import functools

import pytest

import dawndusk as dd
from dawndusk.optimize.settings import Engine
from dawndusk.studies.api import Study
from dawndusk.studies.input.study import Kind
from dawndusk.studies.input.studyfile import library_names
from dawndusk.studies.published import published_metrics
from dawndusk.studies.run.design.ground import GroundResult
from dawndusk.studies.run.design.results import RunResult
from dawndusk.studies.run.design.runner import nominal_design

OPTIMUM_TOLERANCE = 0.01
"""Two seeds differ by less than this in the objective."""
FLAT_TOLERANCE = 0.1
"""What a design near the optimum may differ by in other outcomes: the optimum is flat."""

# Levelised cost in USD/PFLOP-hour of the best design, and what else the study is about.
RECORDED: dict[str, tuple[float, dict[str, float | str]]] = {
    "blue-origin-new-glenn": (
        89.5,
        {"vehicle": "new_glenn_7x2", "launch_cost_usd": 11390000000.0, "cost_ratio_to_ground": 11.24},
    ),
    "falcon9-today": (241.7, {"vehicle": "falcon_9", "launch_cost_usd": 602200000.0, "cost_ratio_to_ground": 14.54}),
    "kuiper-3236": (270.7, {"satellites": 3236.0, "launch_cost_usd": 18530000000.0, "cost_ratio_to_ground": 28.32}),
    "orbit-200mw": (13.9, {"vehicle": "starship_v3", "launch_cost_usd": 8188000000.0, "cost_ratio_to_ground": 4.341}),
    "spacex-ai1": (
        16.72,
        {"array": "silicon_flexible", "mass_per_it_power_kg_per_kw": 47.01, "cost_ratio_to_ground": 3.208},
    ),
    "starcloud-5gw": (
        12.51,
        {"launch_price_usd_per_kg": 82.44, "launch_cost_usd": 58930000000.0, "cost_ratio_to_ground": 3.909},
    ),
    "suncatcher": (
        26.72,
        {"launch_price_usd_per_kg": 241.6, "launched power price": 2457.0, "cost_ratio_to_ground": 8.281},
    ),
}

GROUND_LCOC_USD_PER_PFLOP_HOUR = 3.201
TRANSPORT_CLAIM_USD = (5.0e9, 7.5e9)
AI1_CLAIM_KG_PER_KW = 14.0
AI1_COMPUTE_W = 120e3
KUIPER_SATELLITES = 3236
SUNCATCHER_SATELLITES = 81 * 100
SUNCATCHER_LAUNCH_USD_PER_KG = 200.0
FAST = "spacex-ai1"

DESIGN_STUDIES = [name for name in library_names() if dd.load(name).kind is Kind.DESIGN]
SPECIAL: dict[str, tuple[str, ...]] = {
    "orbit-200mw": ("vehicle", "launch_cost_usd", "cost_ratio_to_ground"),
    "spacex-ai1": ("array", "mass_per_it_power_kg_per_kw", "cost_ratio_to_ground"),
    "suncatcher": ("launch_price_usd_per_kg", "launched power price", "cost_ratio_to_ground"),
    "starcloud-5gw": ("launch_price_usd_per_kg", "launch_cost_usd", "cost_ratio_to_ground"),
    "blue-origin-new-glenn": ("vehicle", "launch_cost_usd", "cost_ratio_to_ground"),
    "kuiper-3236": ("satellites", "launch_cost_usd", "cost_ratio_to_ground"),
    "falcon9-today": ("vehicle", "launch_cost_usd", "cost_ratio_to_ground"),
    "base": (),
}


@functools.cache
def load(name: str) -> Study:
    return dd.load(name)


@functools.cache
def run(name: str) -> RunResult:
    result = dd.load(name, ["search.engine=evolution"]).run()
    assert isinstance(result, RunResult)
    return result


def launched_power_price(result: RunResult) -> float:
    """Return Suncatcher's measure of a design: launch cost per kW of array power and year, in USD."""
    metrics = published_metrics(result.outcome, result.design, result.study.assumptions)
    (price,) = (m.value for m in metrics if m.authority == "Project Suncatcher")
    return float(price)


def figure(result: RunResult, name: str) -> float | str:
    if name == "launched power price":
        return launched_power_price(result)
    return result.outcome[name] if name in result.outcome else result.design.to_dict()[name]


every_study = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n == FAST else pytest.mark.slow) for n in RECORDED],
)


def test_every_study_has_a_recorded_number() -> None:
    plans = {name for name in library_names() if load(name).kind is Kind.PLAN}
    assert {*RECORDED, "base", "ground-only", *plans} == set(library_names())


@every_study
def test_the_best_design_is_feasible_and_costs_what_is_recorded(name: str) -> None:
    result = run(name)
    assert (result.status, result.stopped_by) == ("feasible", "completion")
    assert result.best.broken == []
    assert result.objective == pytest.approx(RECORDED[name][0], rel=OPTIMUM_TOLERANCE)


@every_study
def test_what_the_study_is_about_is_as_recorded(name: str) -> None:
    for what, recorded in RECORDED[name][1].items():
        found = figure(run(name), what)
        expected = recorded if isinstance(recorded, str) else pytest.approx(recorded, rel=FLAT_TOLERANCE)
        assert found == expected, what


@every_study
def test_the_search_beats_the_nominal_design(name: str) -> None:
    nominal = load(name).evaluate()
    objective = run(name).objective
    assert objective is not None
    assert objective < nominal.outcome[load(name).objective]


@pytest.mark.parametrize("name", DESIGN_STUDIES)
def test_the_nominal_design_is_feasible(name: str) -> None:
    study = load(name)
    evaluated = study.evaluate(nominal_design(study))
    assert [limit.name for limit in evaluated.broken] == []


@pytest.mark.parametrize("name", library_names())
def test_every_study_says_what_it_is(name: str) -> None:
    study = load(name)
    assert study.name == name
    assert study.title
    assert len(study.description) > 40
    assert study.kind is Kind.PLAN or study.objective == "lcoc_usd_per_pflop_hour"


@pytest.mark.parametrize("name", library_names())
def test_every_study_is_certified_unless_told_otherwise(name: str) -> None:
    assert load(name).search.engine is Engine.CERTIFIED


@pytest.mark.slow
def test_transport_of_200_mw_lies_beside_the_published_claim() -> None:
    """The claim counts a finished rocket; at the prices of the early 2030s transport costs more, not less."""
    outcome = run("orbit-200mw").outcome
    low, high = TRANSPORT_CLAIM_USD
    assert low < outcome["launch_cost_usd"] < 2.0 * high
    assert outcome["it_power_mw"] == pytest.approx(200, rel=0.01)


def test_ai1_is_heavier_than_its_claim() -> None:
    result = run("spacex-ai1")
    per_kilowatt = result.outcome["mass_per_it_power_kg_per_kw"]
    assert AI1_CLAIM_KG_PER_KW < per_kilowatt < 4 * AI1_CLAIM_KG_PER_KW
    assert result.outcome["it_power_w"] == pytest.approx(AI1_COMPUTE_W, rel=0.15)
    assert result.outcome["it_power_mw"] >= 1000 * (1 - 1e-9)


@pytest.mark.slow
def test_suncatcher_pays_two_hundred_dollars_a_kilogram() -> None:
    """200 USD/kg is the price of the whole payload; what a part-filled launch carries costs more per kg."""
    result = run("suncatcher")
    assert result.design.satellites == SUNCATCHER_SATELLITES
    row = result.study.assumptions.vehicles["starship_v3"]
    assert row.price_usd / row.payload_leo_kg <= SUNCATCHER_LAUNCH_USD_PER_KG
    assert result.outcome["launch_price_usd_per_kg"] < 2 * SUNCATCHER_LAUNCH_USD_PER_KG


def test_kuiper_has_the_licensed_number_of_satellites() -> None:
    study = load("kuiper-3236")
    assert nominal_design(study).satellites == KUIPER_SATELLITES
    assert study.assumptions.orbits["mid_inclination_53"].inclination_deg == 51.9


def test_the_ground_by_itself() -> None:
    result = load("ground-only").run()
    assert isinstance(result, GroundResult)
    assert result.best.lcoc_usd_per_pflop_hour == pytest.approx(GROUND_LCOC_USD_PER_PFLOP_HOUR, rel=OPTIMUM_TOLERANCE)
    assert result.best.it_power_mw == pytest.approx(200, rel=1e-4)


def main() -> None:
    """Print the recorded numbers anew."""
    for name in DESIGN_STUDIES:
        if name != "base":
            result = run(name)
            special = {what: figure(result, what) for what in SPECIAL[name]}
            shown = {
                what: value if isinstance(value, str) else float(f"{value:.4g}") for what, value in special.items()
            }
            print(f'    "{name}": ({result.objective:.4g}, {shown!r}),'.replace("'", '"'))
    ground = load("ground-only").run()
    assert isinstance(ground, GroundResult)
    print(f"GROUND_LCOC_USD_PER_PFLOP_HOUR = {ground.best.lcoc_usd_per_pflop_hour:.4g}")


if __name__ == "__main__":
    main()
