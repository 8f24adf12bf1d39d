"""Term trees: their values are those of the model, and no data row that moves a figure is missing from its tree."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dawndusk as dd
from dawndusk.models.errors import DawnduskError
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.recording.surroundings import Surroundings, surroundings
from dawndusk.models.recording.trace import Graph, Term
from dawndusk.studies.lineage.figures import ROW, TABLES, Lineage, lineage_of
from dawndusk.studies.lineage.formulas import formula
from dawndusk.studies.lineage.origins import beliefs, value_of, with_belief
from dawndusk.studies.lineage.recording import record
from dawndusk.studies.lineage.swings import outcome_of, swings
from dawndusk.studies.output.terminal.lineage import tree

LCOC = "lcoc_usd_per_pflop_hour"
LOOKED_AT = (LCOC, "wet_mass_kg", "launch_cost_usd", "delivered_pflops", "natural_decay_years", "dose_krad_life")


@pytest.fixture(scope="module")
def study(small_study: Callable[..., dd.Study]) -> dd.Study:
    return small_study()


@pytest.fixture(scope="module")
def lineage(study: dd.Study) -> Lineage:
    return lineage_of(study.nominal_design(), study.assumptions)


@pytest.mark.parametrize("name", ["orbit-200mw", "kuiper-3236", "suncatcher"])
def test_values_of_the_tree_are_those_of_the_model(name: str) -> None:
    study = dd.load(name)
    design = study.nominal_design()
    recording = record(design, study.assumptions)
    found = {outcome: recording.values[node] for outcome, node in recording.outcomes.items()}
    assert found == evaluate(design, study.assumptions).outcome.row(0)
    assert list(found) == list(outcome_of(design, study.assumptions))
    assert set(found) == set(OUTCOMES)


@pytest.mark.parametrize("outcome", LOOKED_AT)
def test_no_belief_that_moves_a_figure_is_missing_from_its_tree(
    lineage: Lineage, study: dd.Study, outcome: str
) -> None:
    design = study.nominal_design()
    base = outcome_of(design, study.assumptions)[outcome]
    behind = set(lineage.rows_behind(outcome)) | set(lineage.branches)
    for key in beliefs(study.assumptions):
        value = value_of(study.assumptions, key)
        moved = outcome_of(design, with_belief(study.assumptions, key, value * 0.99 or 0.01))[outcome]
        assert moved == base or key in behind, key


def test_no_catalogue_row_that_moves_a_figure_is_missing(lineage: Lineage, study: dd.Study) -> None:
    design = study.nominal_design()
    base = outcome_of(design, study.assumptions)[LCOC]
    behind = set(lineage.rows_behind(LCOC))
    rows = [k for k in study.assumptions.provenance if k.split(".")[1] in design.combination.values()]
    assert len(rows) > 20
    for key in rows:
        changed = with_belief(study.assumptions, key, value_of(study.assumptions, key) * 0.99)
        if outcome_of(design, changed)[LCOC] != base:
            assert key in behind


def test_every_row_has_its_source_and_range(lineage: Lineage) -> None:
    rows = [figure for figure in lineage.walk(LCOC) if figure.kind == ROW]
    assert len(rows) > 100
    for row in rows:
        assert row.sources[0].source and row.sources[0].confidence in {"high", "medium", "low", "assumed"}
        assert row.meaning and row.value is not None


def test_trees_end_in_rows_tables_and_design_variables(lineage: Lineage) -> None:
    leaves = {figure.kind for name in OUTCOMES for figure in lineage.walk(name) if not figure.reads}
    assert leaves <= {"row", "table", "design", "term"}
    terms = [f for name in OUTCOMES for f in lineage.walk(name) if f.kind == "term" and not f.reads]
    assert all(term.formula for term in terms)


def test_the_levelised_cost_reads_as_it_is_computed(lineage: Lineage) -> None:
    figure = lineage[LCOC]
    assert figure.formula == "discounted cost usd / delivered worth pflop hours"
    assert figure.reads == ("discounted_cost_usd", "delivered_worth_pflop_hours")
    cost, worth = (lineage[name].value for name in figure.reads)
    assert isinstance(cost, float) and isinstance(worth, float)
    assert figure.value == cost / worth


def test_a_belief_that_decides_which_terms_there_are_is_named(small_study: Callable[..., dd.Study]) -> None:
    study = small_study("assumptions.launch.volume_discount_per_doubling=0")
    found = lineage_of(study.nominal_design(), study.assumptions)
    assert found.branches == ("launch.volume_discount_per_doubling",)


def test_every_table_of_the_surroundings_is_described() -> None:
    assert set(TABLES) == set(Surroundings.__dataclass_fields__)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scenario.first_launch_year", 2045.0),
        ("environment.solar_flux_f107", 200.0),
        ("platform.disposal_altitude_km", 200.0),
        ("orbits.dawn_dusk_sso.ltan_h", 9.0),
    ],
)
def test_tables_follow_the_rows_that_they_name_and_no_other(study: dd.Study, key: str, value: float) -> None:
    before = surroundings(study.assumptions, ("dawn_dusk_sso",))
    after = surroundings(with_belief(study.assumptions, key, value), ("dawn_dusk_sso",))
    for name, (_, keys, _) in TABLES.items():
        one, other = getattr(before, name), getattr(after, name)
        moved = one != other if isinstance(one, float) else not np.array_equal(one.values, other.values)
        named = key in [k.format(orbit="dawn_dusk_sso") for k in keys]
        assert named or not moved, name


def test_a_name_that_is_no_figure_offers_the_nearest(lineage: Lineage) -> None:
    with pytest.raises(DawnduskError, match=r"figure 'capex_us'.*did you mean 'capex_usd'"):
        lineage["capex_us"]


def test_recording_leaves_no_hook_behind(study: dd.Study) -> None:
    before = sys.getprofile()
    record(study.nominal_design(), study.assumptions)
    assert sys.getprofile() is before


def test_a_tree_prints_a_figure_once_in_full(lineage: Lineage) -> None:
    shown = tree(lineage, LCOC, 4)
    labels: list[str] = []

    def collect(branch: object) -> None:
        labels.append(str(getattr(branch, "label", "")))
        for child in getattr(branch, "children", ()):
            collect(child)

    collect(shown)
    assert sum(label.startswith("deployment_years") and "(above)" not in label for label in labels) == 1


LETTERS = "abc"
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


@given(st.recursive(st.sampled_from(LETTERS), lambda x: st.tuples(st.sampled_from("+-*/"), x, x), max_leaves=10))
def test_a_formula_read_as_python_gives_the_value(expression: Any) -> None:
    graph, values = Graph(), {"a": 3.0, "b": 7.0, "c": 11.0}
    terms = {name: graph.input(name) for name in LETTERS}

    def build(one: Any) -> tuple[Term, float]:
        if isinstance(one, str):
            return terms[one], values[one]
        sign, left, right = one
        (x, u), (y, v) = build(left), build(right)
        return OPERATIONS[sign](x, y), OPERATIONS[sign](u, v) if sign != "/" or v else np.inf

    term, value = build(expression)
    text = formula(graph.nodes, term.node, lambda n: graph.nodes[n].payload if graph.nodes[n].kind == "input" else "")
    try:
        found = eval(text.replace("−", "-").replace("×", "*"), {}, values)
    except ZeroDivisionError:
        return
    if np.isfinite(value):
        assert found == pytest.approx(value)


def test_a_swing_is_the_model_at_the_end_of_the_range(study: dd.Study) -> None:
    design = study.nominal_design()
    key = "power.pmad_efficiency"
    found = swings(LCOC, [key], design, study.assumptions)[0]
    row = study.assumptions.provenance[key]
    other = dd.load(study.resolved, [f"assumptions.{key}={row.low}"])
    assert found.at_low == pytest.approx(other.evaluate(design).outcome[LCOC])
    assert (found.low, found.high) == (row.low, row.high)


def test_a_swing_names_the_rules_that_break_at_its_end(small_study: Callable[..., dd.Study]) -> None:
    study = small_study()
    design = study.nominal_design()
    key = "vehicles.starship_v3.payload_leo_kg"
    found = swings(LCOC, [key], design, study.assumptions)[0]
    other = dd.load(study.resolved, [f"assumptions.{key}={found.low}"]).evaluate(design)
    kept = {limit.name for limit in study.evaluate(design).limits if limit.margin >= 0.0}
    assert found.low_breaks
    assert set(found.low_breaks) == {limit.name for limit in other.broken} & kept
