"""Every figure of a plan opens to terms that add up to it, and two plans differ by parts that add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.studies.cli.compare import compare_command
from dawndusk.studies.cli.reports import explain_command
from dawndusk.studies.lineage.figures import CHOICE, ROW
from dawndusk.studies.lineage.origins import value_of, with_belief
from dawndusk.studies.lineage.plan_difference import split
from dawndusk.studies.lineage.plan_purchases import ACCOUNTS, WORTH, economy_under, sums_of
from dawndusk.studies.lineage.plan_run import plan_run
from dawndusk.studies.lineage.plan_trace import PlanLineage


@pytest.fixture(scope="module")
def lineage(plan_folder: Path) -> PlanLineage:
    return PlanLineage(plan_run(plan_folder))


def test_the_plan_read_back_costs_what_was_recorded(plan_folder: Path) -> None:
    run = plan_run(plan_folder)
    assert run.scored.objective == pytest.approx(run.content["objective"], rel=1e-12)
    recorded = run.content["summary"]["discounted_cost_by_account_usd"]
    found = {name: float(amount.sum()) for name, amount in run.scored.accounts.discounted.items()}
    assert found == pytest.approx(recorded)
    assert not run.has_drifted


@pytest.mark.parametrize("name", [*ACCOUNTS, WORTH])
def test_an_account_is_the_sum_of_its_terms(lineage: PlanLineage, name: str) -> None:
    account = lineage[f"account.{name}"]
    terms = [lineage[read] for read in account.reads]
    assert sum(term.value for term in terms) == pytest.approx(account.value)  # type: ignore[misc]
    for term in terms:
        if term.formula == "sum over periods":
            parts = [lineage[read] for read in term.reads]
            assert sum(part.value for part in parts) == pytest.approx(term.value)  # type: ignore[misc]
            for part in parts:
                count, each = (lineage[read] for read in part.reads)
                assert count.kind == CHOICE and count.value * each.value == pytest.approx(part.value)  # type: ignore[operator]


def test_totals_follow_from_what_they_read(lineage: PlanLineage) -> None:
    cost = lineage["discounted_cost_usd"]
    assert cost.value == pytest.approx(sum(lineage[read].value for read in cost.reads))  # type: ignore[misc]
    levelised = lineage["lcoc_usd_per_pflop_hour"]
    above, below = (lineage[read].value for read in levelised.reads)
    assert levelised.value == pytest.approx(above / below)  # type: ignore[operator]
    capital = lineage["capital_usd"]
    assert capital.value == pytest.approx(sum(lineage[read].value for read in capital.reads))  # type: ignore[misc]


def test_rows_behind_an_account_are_those_that_move_it(lineage: PlanLineage) -> None:
    decisions, economy = lineage.run.decisions, lineage.economy
    base = sums_of(economy, decisions)
    for key in (
        "vehicles.starship_v3.price_usd",
        "accelerators.tpu_v7.price_usd",
        "cost.operations_fixed_usd_per_year",
    ):
        value = 1.01 * value_of(economy.assumptions, key)
        moved = sums_of(economy_under(economy, with_belief(economy.assumptions, key, value)), decisions)
        for name, before in base.items():
            assert (key in lineage.rows[name]) == (moved[name] != pytest.approx(before, rel=1e-12)), (key, name)


def test_every_branch_ends_in_data_rows_with_sources_or_choices(lineage: PlanLineage) -> None:
    found = list(lineage.walk("lcoc_usd_per_pflop_hour"))
    rows = [figure for figure in found if figure.kind == ROW]
    assert len(rows) > 50 and all(row.sources and row.sources[0].source for row in rows)
    names = {figure.name for figure in found}
    assert all(read in names for figure in found for read in figure.reads)
    assert any(name.startswith("tpu: ") for name in names), "the figures of the design itself are reached"


def explained(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    explain_command.main(list(arguments), standalone_mode=False)
    return capsys.readouterr().out


def test_explain_prints_the_same_tree(plan_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = explained(str(plan_folder), "launch", "--depth", "5", capsys=capsys)
    assert "starship_v3" in shown and "price_usd" in shown and "confidence" in shown


def test_an_unknown_figure_is_met_with_the_nearest_name(lineage: PlanLineage) -> None:
    with pytest.raises(DawnduskError, match="did you mean 'capital_usd'"):
        _ = lineage["capital_us"]


def test_the_difference_of_two_plans_is_split_without_a_remainder(plan_folder: Path, cheaper_plan_folder: Path) -> None:
    one, two = plan_run(plan_folder), plan_run(cheaper_plan_folder)
    found = split("discounted_cost_usd", one, two)
    assert sum(part.part for part in found.parts) == pytest.approx(found.difference)
    assert found.before == pytest.approx(one.scored.accounts.cost_usd)
    assert found.after == pytest.approx(two.scored.accounts.cost_usd)
    names = {part.name for part in found.parts}
    assert {"vehicles.starship_v3.price_usd", "scenario.discount_rate", "section plan", "what is bought"} == names


def test_compare_shows_inputs_accounts_and_parts(
    plan_folder: Path, cheaper_plan_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare_command.main([str(plan_folder), str(cheaper_plan_folder)], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "launches starship_v3" in shown and "plan.demand.delivered_pflops.2031" in shown
    assert "Why discounted_cost_usd differs" in shown


def test_plans_without_anything_between_stand_side_by_side(
    plan_folder: Path, make_plan: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_plan("longer", "plan.last_year=2032")
    compare_command.main([str(plan_folder), str(other)], standalone_mode=False)
    assert "they have other calendars" in capsys.readouterr().out


def test_compare_refuses_a_plan_beside_a_run_and_unknown_figures(plan_folder: Path, run_folder: Path) -> None:
    with pytest.raises(DawnduskError, match="plans alone or not any"):
        compare_command.main([str(plan_folder), str(run_folder)], standalone_mode=False)
    with pytest.raises(DawnduskError, match="did you mean 'capital_usd'"):
        compare_command.main([str(plan_folder), str(plan_folder), "--metric", "capex_usd"], standalone_mode=False)
