from __future__ import annotations

import pytest
from rich.console import RenderableType

import dawndusk as dd
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import money, number, precise, pretty
from dawndusk.studies.output.terminal import design as show
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.run.design.results import RunResult


def text_of(renderable: RenderableType) -> str:
    out = console()
    with out.capture() as capture:
        out.print(renderable)
    return capture.get()


@pytest.fixture(scope="module")
def result() -> RunResult:
    found = dd.load(
        "orbit-200mw", ["search.time_limit_s=1", "design.accelerator=tpu_v7", "search.engine=evolution"]
    ).run()
    assert isinstance(found, RunResult)
    return found


@pytest.mark.parametrize(
    ("value", "units", "text"),
    [
        (8.1234e9, "USD", "8.123 BUSD"),
        (2.5e6, "USD/year", "2.5 MUSD/year"),
        (12_345.6, "USD", "12,346 USD"),
        (13.567, "USD/PFLOP-hour", "13.57 USD/PFLOP-hour"),
        (2029.0, "year", "2029"),
        (0.12345, "fraction", "0.1235"),
        (1463, "count", "1,463"),
        (410.123, "km", "410.1 km"),
        (float("inf"), "km", "inf km"),
        (1e300, "m", f"{1e300:,.0f} m"),
        (-2.5e9, "USD", "-2.5 BUSD"),
        ("starship_v3", "name", "starship_v3"),
    ],
)
def test_numbers_as_people_read_them(value: float | str, units: str, text: str) -> None:
    assert pretty(value, units) == text


@pytest.mark.parametrize(
    ("value", "units", "toward", "text"),
    [
        (26.4056848, "USD/PFLOP-hour", "down", "26.4056 USD/PFLOP-hour"),
        (26.4056848, "USD/PFLOP-hour", "up", "26.4057 USD/PFLOP-hour"),
        (84_818_291_000.0, "USD", "down", "84.8182 BUSD"),
        (433_509.7, "PFLOP/s", "up", "433,510 PFLOP/s"),
        (0.98765432, "fraction", "down", "0.987654"),
        (-2.0000001, "USD", "down", "-2.00001 USD"),
        (0.0, "kg", "down", "0 kg"),
    ],
)
def test_a_bound_stays_one_in_its_rounded_form(value: float, units: str, toward: str, text: str) -> None:
    assert precise(value, units, 6, toward) == text


def test_small_amounts_and_numbers_keep_four_digits() -> None:
    assert money(0.123456) == "0.1235 USD"
    assert number(0.0) == "0"
    assert number(1234.56) == "1,235"


def test_the_report_answers_the_questions_of_the_issue(result: RunResult) -> None:
    text = text_of(show.run_report(result))
    for part in (
        "Best design found: lcoc_usd_per_pflop_hour = ",
        *show.LEVELISED,
        "Mass of one satellite",
        "Compute, from installed to delivered",
        "What limits it",
        "Orbit against the ground",
        "36Kr claim",
        "McCalip",
        "Project Suncatcher",
        "Turyshev",
        "Why not another",
        "no bound is proved",
    ):
        assert part in text, part


def test_sales_are_shown_where_compute_has_a_price() -> None:
    free = dd.load("orbit-200mw").evaluate().outcome
    sold = dd.load("orbit-200mw", ["demand.price_usd_per_pflop_hour=20"]).evaluate().outcome
    assert all(name not in text_of(show.levelised_table(free)) for name in show.SALES)
    assert all(name in text_of(show.levelised_table(sold)) for name in show.SALES)


def test_a_demand_that_is_not_stated_limits_nothing() -> None:
    sold = dd.load("base", ["maximise=value_usd", "demand.price_usd_per_pflop_hour=20"]).evaluate()
    assert "demand" in {limit.name for limit in sold.limits}
    assert "stated demand" not in text_of(show.limits_text(sold, ()))


def test_masses_capital_and_waterfall_add_up(result: RunResult) -> None:
    outcome = result.outcome
    parts = show.breakdown(outcome, "_mass_kg", "wet_mass_kg", show.MASS_EXTRAS)
    assert sum(outcome[name] for name in parts) == pytest.approx(outcome["wet_mass_kg"], rel=1e-9)
    parts = show.breakdown(outcome, "_cost_usd", "capex_usd", show.CAPITAL_EXTRAS)
    assert sum(outcome[name] for name in parts) == pytest.approx(outcome["capex_usd"], rel=1e-9)
    left = outcome["installed_pflops"]
    for name, _ in show.WATERFALL[1:-1]:
        left *= outcome[name]
    assert left == pytest.approx(outcome["delivered_pflops"], rel=1e-3)


def test_an_evaluation_shows_every_outcome_with_its_meaning() -> None:
    text = text_of(show.evaluation_report(dd.evaluate("orbit-200mw")))
    assert all(name in text for name in OUTCOMES)


@pytest.mark.parametrize(("ratio", "words"), [(4.0, "4.00 times dearer than"), (0.5, "2.00 times cheaper than")])
def test_orbit_is_dearer_or_cheaper_than_the_ground(result: RunResult, ratio: float, words: str) -> None:
    assert words in show.ground_text({**result.outcome, "cost_ratio_to_ground": ratio}).plain


def test_parity_is_a_price_or_does_not_exist(result: RunResult) -> None:
    some = show.ground_text({**result.outcome, "breakeven_launch_usd_per_kg": 123.0}).plain
    none = show.ground_text({**result.outcome, "breakeven_launch_usd_per_kg": -5.0}).plain
    assert "parity at a launch price of 123 USD/kg" in some
    assert "no launch price reaches parity" in none


def test_a_figure_that_does_not_exist_is_a_dash() -> None:
    columns = {"a": {"capex_usd": 1e9}, "b": {}}
    line = next(line for line in text_of(show.comparison_table(columns, ["capex_usd"])).splitlines() if "capex" in line)
    assert line.split() == ["capex_usd", "1", "BUSD", "-"]


def test_markup_in_names_is_text() -> None:
    text = text_of(show.name_table("[bold]x[/red]", {"[/red]": ":rocket:"}))
    assert "[bold]x[/red]" in text
    assert ":rocket:" in text
