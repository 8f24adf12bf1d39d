from __future__ import annotations

import dataclasses
import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dawndusk.models.design import VARIABLES, Variable
from dawndusk.models.errors import ContradictionError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.settings import Engine
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.input import studyfile
from dawndusk.studies.input.errors import StudyError
from dawndusk.studies.input.study import Bound, Choice, Fixed, Kind, Operator, Range, ResolvedStudy
from dawndusk.studies.input.studyfile import library_names, library_path, read_study, study_from_mapping

WriteStudy = Callable[..., Path]

CHILD = "name: child\nextends: base\n"


# Resolution


def test_a_library_study_has_every_variable_in_place(small_library: Path) -> None:
    study = read_study("base")
    assert study.source == "base"
    assert study.kind is Kind.DESIGN
    assert list(study.space) == [name for name in VARIABLES if name != "satellites"]
    assert study.satellites_follow_demand
    assert study.space["accelerator"] == Fixed("gb200_nvl72")
    assert study.space["vehicle"] == Choice(("starship_v3", "falcon_9"))
    assert study.space["accelerators_per_satellite"] == Range(8, 512, 72)
    assert study.assumptions.demand.it_power_mw == 200


def test_what_no_file_says_is_the_shipped_default(small_library: Path) -> None:
    study, shipped = read_study("base"), default_assumptions()
    assert (study.workload, study.training_run) == (shipped.workload, shipped.training_run)
    assert study.assumptions.power == shipped.power


@pytest.mark.parametrize(
    ("variable", "text", "nominal"),
    [
        ("radiator_area_m2", "{low: 10, high: 1000}", 100.0),
        ("satellites", "{low: 8, high: 100}", 28),
        ("spare_fraction", "{low: 0, high: 0.5}", 0.25),
        ("optical_terminals", "{low: 0, high: 4}", 2),
        ("altitude_km", "{low: 500, high: 900, nominal: 650}", 650.0),
    ],
    ids=["geometric mean", "whole geometric mean", "midpoint", "whole midpoint", "as stated"],
)
def test_nominal_value_of_a_range(write_study: WriteStudy, variable: str, text: str, nominal: float) -> None:
    study = read_study(write_study(f"{CHILD}design: {{{variable}: {text}}}\n"))
    value = study.nominal_design().to_dict()[variable]
    assert value == pytest.approx(nominal)
    assert isinstance(value, int) == (VARIABLES[variable].kind == "integer")


def test_nominal_design_takes_the_first_name_and_the_number_of_satellites_it_is_given(small_library: Path) -> None:
    design = read_study("base").nominal_design(satellites=40)
    assert (design.vehicle, design.satellites) == ("starship_v3", 40)


def test_fixed_satellites_need_no_demand_and_may_have_one(small_library: Path) -> None:
    study = read_study("base", ["design.satellites=12"])
    assert not study.satellites_follow_demand
    assert study.nominal_design().satellites == 12


def test_a_list_of_one_name_fixes_it(small_library: Path) -> None:
    assert read_study("base", ["design.vehicle=[falcon_9]"]).space["vehicle"] == Fixed("falcon_9")


def test_a_study_may_add_a_complete_row_and_use_it(write_study: WriteStudy) -> None:
    orbit = "{sun_synchronous: 0, inclination_deg: 70, ltan_h: 6, albedo_fraction: 0.2, solar_proton_fraction: 0.8}"
    text = f"{CHILD}design: {{orbit: polar_70}}\nassumptions: {{orbits: {{polar_70: {orbit}}}}}\n"
    study = read_study(write_study(text))
    assert study.space["orbit"] == Fixed("polar_70")
    assert study.assumptions.orbits["polar_70"].inclination_deg == 70
    assert set(study.assumptions.orbits) == {*default_assumptions().orbits, "polar_70"}


def test_an_override_names_the_study_as_its_source(small_library: Path) -> None:
    quantity = read_study("small").assumptions.provenance["scenario.discount_rate"]
    assert quantity.value == pytest.approx(0.1)
    assert "small" in quantity.source


def test_json_is_accepted_with_tabs_and_escapes(write_study: WriteStudy) -> None:
    text = '{\n\t"name": "child",\n\t"title": "caf\\u00e9 \\ud83d\\ude80",\n\t"extends": "base"\n}'
    assert read_study(write_study(text, "study.json")).title == "café \N{ROCKET}"


@pytest.mark.parametrize(
    ("text", "value"), [("5e2", 500.0), ("0500", 500.0), ("0o764", 500.0), ("0x1F4", 500.0), ("+500.", 500.0)]
)
def test_numbers_follow_yaml_1_2(write_study: WriteStudy, text: str, value: float) -> None:
    study = read_study(write_study(f"{CHILD}design: {{altitude_km: {text}}}\n"))
    assert study.space["altitude_km"] == Fixed(value)


def test_words_that_yaml_1_1_took_for_booleans_are_texts(write_study: WriteStudy) -> None:
    study = read_study(write_study(f"{CHILD}title: no\ndescription: off\n"))
    assert (study.title, study.description) == ("no", "off")


def test_a_byte_order_mark_is_skipped(write_study: WriteStudy) -> None:
    assert read_study(write_study(b"\xef\xbb\xbf" + CHILD.encode())).name == "child"


# Precedence


def test_each_layer_overrides_the_ones_below(write_study: WriteStudy) -> None:
    write_study("name: middle\nextends: base\nassumptions: {scenario: {discount_rate: 0.2, lead_years: 7}}\n", "m.yaml")
    path = write_study("name: top\nextends: m.yaml\nassumptions: {scenario: {discount_rate: 0.3}}\n")
    shipped = default_assumptions().scenario
    scenario = read_study(path).assumptions.scenario
    assert (scenario.discount_rate, scenario.lead_years) == (0.3, 7)
    assert scenario.technology_ageing_per_year == shipped.technology_ageing_per_year
    overridden = read_study(path, ["assumptions.scenario.discount_rate=0.4"])
    assert overridden.assumptions.scenario.discount_rate == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("variable", "text", "entry"),
    [
        ("accelerators_per_satellite", "16", Fixed(16)),
        ("accelerators_per_satellite", "{low: 32}", Range(32, 512, 72)),
        ("accelerators_per_satellite", "{low: 100, high: 400}", Range(100, 400, 200)),
        ("accelerators_per_satellite", "{nominal: 9}", Range(8, 512, 9)),
        ("life_years", "{low: 4, high: 9}", Range(4.0, 9.0, 6.0)),
        ("vehicle", "[new_glenn_7x2, falcon_9]", Choice(("new_glenn_7x2", "falcon_9"))),
    ],
    ids=["number fixes", "one end", "nominal left outside", "nominal alone", "range for number", "list replaces"],
)
def test_how_a_value_overrides_an_inherited_one(
    write_study: WriteStudy, variable: str, text: str, entry: Fixed | Range | Choice
) -> None:
    study = read_study(write_study(f"{CHILD}design: {{{variable}: {text}}}\n"))
    assert study.space[variable] == entry


def test_bounds_replace_inherited_bounds(write_study: WriteStudy) -> None:
    write_study(f"{CHILD}subject_to: [capex_usd <= 5e9, availability >= 0.9]\n", "parent.yaml")
    study = read_study(write_study("name: top\nextends: parent.yaml\nsubject_to: [3 >= deployment_years]\n"))
    assert study.bounds == (Bound("deployment_years", "<=", 3.0),)


def test_alternatives_replace_each_other(small_library: Path) -> None:
    study = read_study("base", ["maximise=availability", "demand.delivered_pflops=1e5"])
    assert (study.sense, study.objective, study.minimise, study.maximise) == (
        "maximise",
        "availability",
        None,
        "availability",
    )
    assert (study.assumptions.demand.it_power_mw, study.assumptions.demand.delivered_pflops) == (0, 1e5)


def test_names_and_texts_are_not_inherited(write_study: WriteStudy) -> None:
    study = read_study(write_study("name: child\nextends: small\n"))
    assert (study.name, study.title) == ("child", "")
    assert study.assumptions.demand.it_power_mw == 5


def test_a_path_in_extends_is_relative_to_the_file_that_says_it(write_study: WriteStudy) -> None:
    Path("deep/er").mkdir(parents=True)
    write_study(f"{CHILD}design: {{altitude_km: 555}}\n", "deep/parent.yaml")
    study = read_study(write_study("name: top\nextends: ../parent.yaml\n", "deep/er/study.yaml"))
    assert study.space["altitude_km"] == Fixed(555.0)


# Overrides


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("design.altitude_km=900", 900.0),
        ("design.altitude_km= 9e2 ", 900.0),
        ("design.altitude_km={low: 600, high: 700, nominal: 650}", 650.0),
        ("design={altitude_km: 650}", 650.0),
    ],
)
def test_set_takes_yaml_values(small_library: Path, item: str, value: float) -> None:
    assert read_study("base", [item]).nominal_design().altitude_km == value


def test_set_items_for_different_keys_join(small_library: Path) -> None:
    items = ["design.altitude_km.low=600", "design.altitude_km.high=700", "design={life_years: 6}", "title=no"]
    study = read_study("base", items)
    assert study.space["altitude_km"] == Range(600.0, 700.0, math.sqrt(600 * 700))
    assert (study.space["life_years"], study.title) == (Fixed(6.0), "no")


def test_set_reaches_catalogue_rows(small_library: Path) -> None:
    study = read_study("base", ["assumptions.vehicles.starship_v3.price_usd=5.0e7"])
    assert study.assumptions.vehicles["starship_v3"].price_usd == pytest.approx(5e7)


def test_set_changes_the_hash_and_nothing_else_does(small_library: Path) -> None:
    study = read_study("base")
    assert study == read_study("base")
    assert study == read_study("base", ["design.life_years=5.0"])
    assert study != read_study("base", ["design.life_years=5.5"])
    assert study != read_study("base", ["assumptions.power.pmad_efficiency=0.91"])


# Price and search


def test_a_price_stands_alone_or_beside_a_demand(small_library: Path) -> None:
    demand = read_study("base", ["demand.price_usd_per_pflop_hour=20"]).assumptions.demand
    assert (demand.it_power_mw, demand.delivered_pflops, demand.price_usd_per_pflop_hour) == (200, 0, 20)
    other = read_study("base", ["demand={price_usd_per_pflop_hour: 20, delivered_pflops: 1e5}"]).assumptions.demand
    assert (other.it_power_mw, other.delivered_pflops, other.price_usd_per_pflop_hour) == (0, 1e5, 20)


def test_a_price_alone_leaves_the_fleet_to_the_search() -> None:
    study = read_study("base", ["maximise=value_usd", "demand.price_usd_per_pflop_hour=20"])
    assert (study.sense, study.objective, study.satellites_follow_demand) == ("maximise", "value_usd", False)
    demand = study.assumptions.demand
    assert (demand.it_power_mw, demand.delivered_pflops, demand.price_usd_per_pflop_hour) == (0, 0, 20)
    assert study.resolved["demand"] == {"price_usd_per_pflop_hour": 20}
    assert study != read_study("base", ["maximise=value_usd", "demand.price_usd_per_pflop_hour=21"])


def test_a_price_is_no_demand_to_follow() -> None:
    with pytest.raises(StudyError, match=r"design\.satellites: found 'demand' in a study without a demand"):
        read_study("base", ["design.satellites=demand", "demand.price_usd_per_pflop_hour=20"])


def test_the_search_is_certified_and_audited_unless_told_otherwise(small_library: Path) -> None:
    search = read_study("base").search
    assert (search.engine, search.gap, search.audit, search.second_bound) == (Engine.CERTIFIED, 1e-3, True, True)
    items = ["search.engine=milp", "search.gap=5e-2", "search.audit=false", "search={second_bound: false}"]
    study = read_study("base", items)
    search = study.search
    assert (search.engine, search.gap, search.audit, search.second_bound) == (Engine.MILP, 0.05, False, False)
    assert study.resolved["search"] == {
        "engine": "milp",
        "seed": 1,
        "designs": 10_000_000,
        "time_limit_s": 120.0,
        "gap": 0.05,
        "audit": False,
        "second_bound": False,
    }
    assert study != read_study("base")


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_any_gap_between_nought_and_one_is_taken(gap: float) -> None:
    assert read_study("base", [f"search.gap={gap!r}"]).search.gap == gap


@given(st.floats(max_value=0) | st.floats(min_value=1) | st.sampled_from([math.nan, math.inf, True, "1e-3", None]))
def test_any_other_gap_is_refused(gap: Any) -> None:
    with pytest.raises(StudyError, match=r"search\.gap: found .*; allowed a number above 0 and below 1 \[fraction\]"):
        study_from_mapping({"name": "m", "extends": "base", "search": {"gap": gap}})


# Library


def test_library_names_are_its_files(small_library: Path) -> None:
    assert library_names() == ["base", "small"]
    assert library_path("base") == small_library / "base.yaml"


def test_a_name_in_the_library_comes_before_a_file_but_a_path_is_a_path(write_study: WriteStudy) -> None:
    write_study(f"{CHILD}design: {{altitude_km: 555}}\n", "small")
    assert read_study("small").name == "small"
    assert read_study(Path("small")).name == "child"
    assert read_study("./small").name == "child"


@pytest.mark.skipif(not library_names(), reason="no library yet")
@pytest.mark.parametrize("name", library_names())
def test_every_shipped_study_resolves_under_its_own_name(name: str) -> None:
    study = read_study(name)
    assert study.name == name
    assert study_from_mapping(study.resolved) == study


# Round trip


def numbers(variable: Variable) -> st.SearchStrategy[float]:
    if variable.kind == "integer":
        return st.integers(math.ceil(variable.minimum), math.floor(variable.maximum))
    return st.floats(variable.minimum, variable.maximum)


def entries(variable: Variable) -> st.SearchStrategy[Any]:
    if variable.kind == "category":
        names = st.sampled_from(sorted(getattr(default_assumptions(), variable.catalogue)))
        return names | st.lists(names, min_size=1, unique=True)
    three = st.lists(numbers(variable), min_size=3, max_size=3).map(sorted).filter(lambda v: v[0] < v[2])
    ranges = three.map(lambda v: {"low": v[0], "high": v[2], "nominal": v[1]})
    return numbers(variable) | ranges | ranges.map(lambda r: {"low": r["low"], "high": r["high"]})


def overrides() -> st.SearchStrategy[dict[str, Any]]:
    power = st.fixed_dictionaries({}, optional={"pmad_efficiency": st.floats(0.1, 1), "cycles_few": st.floats(1, 1e9)})
    vehicle = st.fixed_dictionaries({}, optional={"price_usd": st.floats(0, 1e12)})
    rows = st.dictionaries(st.sampled_from(["falcon_9", "starship_v3"]), vehicle)
    return st.fixed_dictionaries({}, optional={"power": power, "vehicles": rows})


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
UNSOLD = sorted(name for name, outcome in OUTCOMES.items() if outcome.extent != "sale")
BOUNDS = st.builds(
    "{} {} {!r}".format,
    st.sampled_from(sorted(set(UNSOLD) - {"it_power_mw", "delivered_pflops"})),
    st.sampled_from(["<", "<="]),
    st.floats(-1e300, 1e300),
)
MAPPINGS = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True),
        "minimise": st.sampled_from(UNSOLD),
        "demand": st.fixed_dictionaries(
            {"it_power_mw": st.floats(1e-3, 1e6)}, optional={"price_usd_per_pflop_hour": st.floats(1e-6, 1e6)}
        ),
        "design": st.fixed_dictionaries(
            {
                name: entries(v) | st.just("demand") if name == "satellites" else entries(v)
                for name, v in VARIABLES.items()
            }
        ),
    },
    optional={
        "title": TEXTS,
        "description": TEXTS,
        "kind": st.sampled_from(["design", "ground"]),
        "subject_to": st.lists(BOUNDS, max_size=4, unique_by=lambda text: text.split()[0]),
        "assumptions": overrides(),
        "search": st.fixed_dictionaries(
            {},
            optional={
                "engine": st.sampled_from([str(engine) for engine in Engine]),
                "seed": st.integers(0, 99),
                "time_limit_s": st.floats(0.1, 1e6),
                "gap": st.floats(0, 1, exclude_min=True, exclude_max=True),
                "audit": st.booleans(),
                "second_bound": st.booleans(),
            },
        ),
    },
)


def resolved(mapping: dict[str, Any]) -> ResolvedStudy:
    """Resolve a mapping whose assumptions do not contradict each other."""
    try:
        return study_from_mapping(mapping)
    except StudyError as error:
        assume(not isinstance(error.__cause__, ContradictionError))
        raise


@given(MAPPINGS)
def test_a_resolved_study_reads_back_as_the_same_study(
    tmp_path_factory: pytest.TempPathFactory, mapping: dict[str, Any]
) -> None:
    study = resolved(mapping)
    assert study_from_mapping(study.resolved).resolved == study.resolved
    folder = tmp_path_factory.mktemp("run")
    for name, text in (("study.yaml", study.to_yaml()), ("study.json", json.dumps(study.resolved))):
        (folder / name).write_text(text, encoding="utf-8", newline="")
        again = read_study(folder / name)
        assert again == study
        assert (again.space, again.bounds, again.title) == (study.space, study.bounds, study.title)


@given(MAPPINGS)
def test_the_nominal_design_lies_in_the_space(mapping: dict[str, Any]) -> None:
    study = resolved(mapping)
    design = study.nominal_design().to_dict()
    for name, entry in study.space.items():
        if isinstance(entry, Range):
            assert entry.low <= float(design[name]) <= entry.high
        else:
            assert design[name] == entry.nominal


def test_a_study_survives_a_pickle(small_library: Path) -> None:
    study = read_study("small")
    again = pickle.loads(pickle.dumps(study))
    assert again == study
    assert again.space == study.space
    with pytest.raises(StudyError) as caught:
        read_study("nothing")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_numpy_numbers_are_taken_as_numbers(small_library: Path) -> None:
    mapping = {"name": "m", "extends": "base", "design": {"altitude_km": np.float64(600), "satellites": np.int64(3)}}
    study = study_from_mapping(mapping)
    assert (study.space["altitude_km"], study.space["satellites"]) == (Fixed(600.0), Fixed(3))


def test_the_hash_covers_the_tables(small_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, shipped = read_study("base"), default_assumptions()
    thicker = dataclasses.replace(shipped.data, density_kg_m3=2 * shipped.data.density_kg_m3)
    monkeypatch.setattr(studyfile, "default_assumptions", lambda: shipped.replace(data=thicker))
    assert read_study("base").hash != study.hash


# Bounds


@pytest.mark.parametrize(
    ("operator", "value", "outcome", "violation"),
    [
        ("<=", 10.0, [9.0, 10.0, 12.0], [0.0, 0.0, 0.2]),
        (">=", 10.0, [9.0, 10.0, 12.0], [0.1, 0.0, 0.0]),
        ("<=", 0.0, [-1.0, 0.0, 3.0], [0.0, 0.0, 3.0]),
        (">=", -2.0, [-3.0, -2.0, 0.0], [0.5, 0.0, 0.0]),
    ],
)
def test_violation_is_the_relative_excess(
    operator: Operator, value: float, outcome: list[float], violation: list[float]
) -> None:
    found = Bound("capex_usd", operator, value).violation({"capex_usd": np.array(outcome)})
    np.testing.assert_allclose(found, violation, atol=1e-15)


@pytest.mark.parametrize("operator", ["<", ">"])
def test_a_strict_bound_refuses_its_own_value(operator: Operator) -> None:
    bound = Bound("capex_usd", operator, 10.0)
    inside = np.nextafter(10.0, 0.0 if operator == "<" else 20.0)
    assert bound.violation({"capex_usd": np.float64(10.0)}) > 0
    assert bound.violation({"capex_usd": inside}) == 0


def test_violation_keeps_what_is_no_number() -> None:
    assert math.isnan(Bound("capex_usd", "<=", 1.0).violation({"capex_usd": np.float64("nan")}))


FINITE = st.floats(allow_nan=False, allow_infinity=False, width=16)  # few values, so that they meet


@given(
    st.sampled_from(["<", "<="]),
    FINITE,
    st.sampled_from([">", ">="]),
    FINITE,
    st.sampled_from(["anywhere", "at", "next"]),
)
def test_two_bounds_contradict_each_other_unless_some_value_meets_both(
    upper: Operator, high: float, lower: Operator, low: float, near: str
) -> None:
    low = {"anywhere": low, "at": high, "next": math.nextafter(high, -math.inf)}[near]
    bounds = [Bound("value_usd", upper, high + 0.0), Bound("value_usd", lower, low + 0.0)]
    candidates = [x for v in (low, high) for x in (v, math.nextafter(v, math.inf), math.nextafter(v, -math.inf))]
    met = any(all(bound.violation({"value_usd": x}) == 0 for bound in bounds) for x in candidates)
    mapping = {
        "name": "m",
        "extends": "base",
        "demand": {"price_usd_per_pflop_hour": 20},
        "subject_to": [str(bound) for bound in bounds],
    }
    if met:
        assert study_from_mapping(mapping).bounds == tuple(bounds)
    else:
        with pytest.raises(
            StudyError, match=r"subject_to\[1\]: found .*, which contradicts .*; allowed bounds that some"
        ):
            study_from_mapping(mapping)


@pytest.mark.parametrize("text", ["capex_usd<=5e9", " 5e9 >= capex_usd ", "capex_usd <= 5000000000"])
def test_a_bound_is_written_in_either_order(small_library: Path, text: str) -> None:
    mapping = {"name": "m", "extends": "base", "subject_to": [text]}
    assert study_from_mapping(mapping).bounds == (Bound("capex_usd", "<=", 5e9),)
