from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.assumptions import GROUPS
from dawndusk.models.design import VARIABLES
from dawndusk.models.outcome import OUTCOMES
from dawndusk.studies.input.document import MAX_DEPTH, MAX_VALUES
from dawndusk.studies.input.errors import StudyError
from dawndusk.studies.input.files import MAX_BYTES
from dawndusk.studies.input.study import Fixed
from dawndusk.studies.input.studyfile import library_path, read_study, study_from_mapping

WriteStudy = Callable[..., Path]

UNIT_HINT = "(write the number alone: the unit is fixed and belongs to the name)"


def message_of(source: str | Path, *overrides: str) -> str:
    """Return the text of the error that a study ends in."""
    with pytest.raises(StudyError) as caught:
        read_study(source, overrides)
    return str(caught.value)


# One value in the file

CASES = Path(__file__).with_name("bad_values.txt").read_text(encoding="utf-8").split("\n=== ")[1:]

# Too long to write down.
LONG_VALUES = {
    "endless digits": (
        f"design: {{altitude_km: {'9' * 5000}}}",
        "3: design.altitude_km: found inf; allowed a number from 400 to 2000 [km]",
    ),
    "deep enough to exhaust a stack": (
        f"title: {'[' * 100_000}",
        f"3: found values nested deeper than {MAX_DEPTH}; allowed up to {MAX_DEPTH} levels",
    ),
    "too many": (
        f"title: [{'1,' * (MAX_VALUES + 1)}]",
        f"3: found more than {MAX_VALUES} values; allowed up to {MAX_VALUES}",
    ),
}


def written_down() -> dict[str, tuple[str, str]]:
    cases = {}
    for case in CASES:
        title, _, rest = case.partition("\n")
        text, _, message = rest.partition("\n--> ")
        cases[title] = (text, message.strip())
    return cases


BAD_VALUES = {**written_down(), **LONG_VALUES}


def is_like(message: str, expected: str) -> bool:
    """Compare a message with an expected one in which ``...`` stands for any text."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("..."))), message) is not None


@pytest.mark.parametrize(("text", "message"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_bad_value_is_placed_and_explained(write_study: WriteStudy, text: str, message: str) -> None:
    found = message_of(write_study(f"name: child\nextends: base\n{text}\n"))
    assert is_like(found, f"study.yaml:{message}"), found


# Whole files

BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "study.yaml: found an empty file; allowed a mapping with the keys name, "),
    "comment": (b"# nothing\n", "study.yaml: found an empty file; allowed a mapping"),
    "null": (b"---\n", "study.yaml:2: found an empty file; allowed a mapping"),
    "list": (b"- name\n- x\n", "study.yaml:1: found a list of 2; allowed a mapping"),
    "scalar": (b"orbit-200mw\n", "study.yaml:1: found 'orbit-200mw'; allowed a mapping"),
    "number": (b"5", "study.yaml:1: found 5; allowed a mapping"),
    "binary": (b"\x7fELF\x02\x01\x01\0\0\0", "study.yaml: found a binary file; allowed text in UTF-8"),
    "utf-16": ("name: x".encode("utf-16"), "study.yaml: found text in UTF-16; allowed text in UTF-8"),
    "latin-1": (b"name: x\ntitle: caf\xe9\n", "study.yaml:2: found the byte 0xe9, which is not UTF-8; allowed text"),
    "control character": (b"name: x\x01\n", "study.yaml: found text that is not YAML: unacceptable character"),
    "too large": (b"#" * (MAX_BYTES + 1), "study.yaml: found a file larger than 1 MiB; allowed up to 1 MiB"),
    "lone surrogate": (b'title: "\\ud83d"', "study.yaml: found half of a Unicode character; allowed whole"),
    "yaml 2": (b"%YAML 2.0\n---\nname: x\n", "study.yaml:1: found text that is not YAML: "),
    "no name": (b"title: x\nextends: base\n", "study.yaml:1: name: found nothing; allowed Name of the study"),
    "bad name": (b"name: My Study\n", "study.yaml:1: name: found 'My Study'; allowed a name of a-z, 0-9 and hyphens"),
    "path as name": (b"name: ../x\n", "study.yaml:1: name: found '../x'; allowed a name of a-z, 0-9 and hyphens"),
    "number as name": (b"name: 2030\n", "study.yaml:1: name: found 2030; allowed a name of a-z, 0-9 and hyphens, "),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_as_a_whole(write_study: WriteStudy, content: bytes, message: str) -> None:
    found = message_of(write_study(content))
    assert found.startswith(message)
    assert "\n" not in found


def test_a_directory_is_no_study(write_study: WriteStudy) -> None:
    Path("folder").mkdir()
    assert message_of("folder") == "folder: found a directory; allowed a YAML or JSON file"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("smal", "smal"), ("./smal", "./smal"), ("", "''"), ("a\0b", r"'a\x00b'"), ("x" * 5000, f"{'x' * 200}...")],
    ids=["name", "path", "empty", "nul", "endless"],
)
def test_a_missing_study_offers_the_library(write_study: WriteStudy, name: str, shown: str) -> None:
    message = message_of(name)
    assert message.startswith(f"{shown}: found no such study; allowed a path, or a name in the library: base, small")
    assert message.endswith("(did you mean 'small'?)") == ("smal" in name)


def test_a_missing_library_study_offers_the_nearest(small_library: Path) -> None:
    with pytest.raises(StudyError, match=r"bse: found no such study; .* base, small \(did you mean 'base'\?\)"):
        library_path("bse")


def test_a_file_without_permission_or_target_is_refused(write_study: WriteStudy) -> None:
    Path("broken.yaml").symlink_to("nowhere.yaml")
    assert "found no such study" in message_of("broken.yaml")
    assert "found a file that can not be read (" in message_of(Path("broken.yaml"))


def test_all_problems_of_a_file_come_at_once_in_the_order_of_its_lines(write_study: WriteStudy) -> None:
    path = write_study(
        "name: child\nextends: base\nsearch: {seed: -1}\ndesign: {altitude_km: 1, lif_years: 3}\ntitel: x\n"
    )
    lines = message_of(path).splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"study.yaml:{n}" for n in (3, 4, 4, 5)]


def test_every_variable_that_is_missing_is_named(write_study: WriteStudy) -> None:
    message = message_of(write_study("name: bare\nminimise: capex_usd\n"))
    assert [line.split(": ")[1] for line in message.splitlines()] == [f"design.{name}" for name in VARIABLES]
    assert "study.yaml:1: design.altitude_km: found nothing; allowed Altitude of the circular orbit." in message


def test_a_study_needs_an_objective(write_study: WriteStudy) -> None:
    base = library_path("base").read_text().replace("minimise", "# minimise")
    message = message_of(write_study(base))
    assert message == "study.yaml:2: minimise: found nothing; allowed an outcome under one of minimise, maximise"


def test_satellites_can_not_follow_a_demand_that_is_not_there(write_study: WriteStudy) -> None:
    base = library_path("base").read_text().replace("demand: {", "# demand: {")
    assert message_of(write_study(base)) == (
        "study.yaml:8: design.satellites: found 'demand' in a study without a demand; allowed a number or a range, "
        "or a demand to follow: demand.it_power_mw, demand.delivered_pflops"
    )


# A fleet whose size is searched


def searched_fleet(*lines: str) -> str:
    """Return a study with a range of satellites and no demand, and with further lines."""
    base = library_path("base").read_text().replace("demand: {", "# demand: {").replace("minimise", "# minimise")
    return base.replace("satellites: demand", "satellites: {low: 1, high: 5000}") + "".join(f"{x}\n" for x in lines)


UNBOUNDED = "which is unbounded: every further satellite betters it, and nothing caps them"
FEWEST = "which the fewest satellites make best, and nothing asks for more"
ALLOWED = (
    "it with a demand (demand.it_power_mw, demand.delivered_pflops), a price (demand.price_usd_per_pflop_hour), "
    "a bound that {} (subject_to: [{}]), or a fixed number of satellites"
)
CAP, FLOOR = ("caps the fleet", "capex_usd <= 5e9"), ("asks for compute", "delivered_pflops >= 1000")

WITHOUT_MEASURE = [
    ("maximise: delivered_pflops", "", UNBOUNDED, CAP),
    ("maximise: accelerators", "", UNBOUNDED, CAP),
    ("minimise: training_run_days", "", UNBOUNDED, CAP),
    ("maximise: delivered_pflops", "delivered_pflops >= 10", UNBOUNDED, CAP),
    ("maximise: installed_pflops", "availability >= 0.5", UNBOUNDED, CAP),
    ("maximise: it_power_mw", "training_run_days <= 90", UNBOUNDED, CAP),
    ("minimise: capex_usd", "", FEWEST, FLOOR),
    ("minimise: discounted_cost_usd", "", FEWEST, FLOOR),
    ("minimise: launched_mass_t", "", FEWEST, FLOOR),
    ("minimise: it_power_mw", "", FEWEST, FLOOR),
    ("maximise: training_run_days", "", FEWEST, FLOOR),
    ("minimise: capex_usd", "delivered_pflops <= 1000", FEWEST, FLOOR),
    ("minimise: capex_usd", "capex_usd >= 1", FEWEST, FLOOR),
    ("minimise: capex_usd", "training_run_days >= 10", FEWEST, FLOOR),
]


@pytest.mark.parametrize(("objective", "bound", "why", "measure"), WITHOUT_MEASURE)
def test_an_objective_that_alone_decides_the_fleet_is_refused(
    write_study: WriteStudy, objective: str, bound: str, why: str, measure: tuple[str, str]
) -> None:
    sense, name = objective.split(": ")
    text = searched_fleet(objective, f"subject_to: [{bound}]")
    line = text.splitlines().index(objective) + 1
    assert message_of(write_study(text)) == (
        f"study.yaml:{line}: {sense}: found '{name}', {why}; allowed {ALLOWED.format(*measure)}"
    )


@pytest.mark.parametrize(
    "lines",
    [
        ["maximise: delivered_pflops", "demand: {it_power_mw: 20}"],
        ["maximise: delivered_pflops", "demand: {price_usd_per_pflop_hour: 20}"],
        ["maximise: delivered_pflops", "subject_to: [capex_usd <= 5e9]"],
        ["maximise: delivered_pflops", "subject_to: [5e5 > accelerators]"],
        ["maximise: installed_pflops", "subject_to: [training_run_days >= 10]"],
        ["maximise: value_usd", "demand: {price_usd_per_pflop_hour: 20}"],
        ["maximise: revenue_usd", "demand: {price_usd_per_pflop_hour: 20, it_power_mw: 20}"],
        ["minimise: training_run_days", "subject_to: [launched_mass_t <= 1e4]"],
        ["minimise: capex_usd", "demand: {delivered_pflops: 1000}"],
        ["minimise: capex_usd", "demand: {price_usd_per_pflop_hour: 20}", "subject_to: [value_usd >= 0]"],
        ["minimise: capex_usd", "subject_to: [delivered_pflops >= 1000]"],
        ["minimise: launched_mass_t", "subject_to: [90 > training_run_days]"],
        ["minimise: lcoc_usd_per_pflop_hour"],
        ["minimise: capex_usd_per_w"],
        ["minimise: wet_mass_kg"],
        ["maximise: availability"],
        ["maximise: breakeven_launch_usd_per_kg"],
    ],
    ids="; ".join,
)
def test_an_objective_with_a_measure_or_without_need_of_one_is_taken(write_study: WriteStudy, lines: list[str]) -> None:
    study = read_study(write_study(searched_fleet(*lines)))
    assert f"{study.sense}: {study.objective}" == lines[0]


@pytest.mark.parametrize("objective", ["maximise: delivered_pflops", "minimise: capex_usd"])
def test_a_fleet_of_stated_size_needs_no_measure(write_study: WriteStudy, objective: str) -> None:
    text = searched_fleet(objective).replace("satellites: {low: 1, high: 5000}", "satellites: 40")
    assert read_study(write_study(text)).space["satellites"] == Fixed(40)


@given(
    sense=st.sampled_from(["minimise", "maximise"]),
    name=st.sampled_from(sorted(OUTCOMES)),
    bound=st.sampled_from(sorted(OUTCOMES)),
    operator=st.sampled_from(["<", "<=", ">", ">="]),
)
def test_more_satellites_are_never_all_that_is_wanted(sense: str, name: str, bound: str, operator: str) -> None:
    """Whatever drives the fleet one way is refused, unless a bound holds against it."""
    space: dict[str, Any] = {"satellites": {"low": 1, "high": 5000}}
    mapping = {"name": "m", "extends": "base", sense: name, "design": space, "subject_to": [f"{bound} {operator} 1"]}
    objective, limit = OUTCOMES[name], OUTCOMES[bound]
    drive = objective.fleet_sign * (1 if sense == "maximise" else -1)
    held = limit.fleet_sign * (-1 if "<" in operator else 1)
    against = held == -drive and (drive > 0 or limit.extent in {"capacity", "wait"})
    try:
        study_from_mapping(mapping)
    except StudyError as error:
        assert "sale" in {objective.extent, limit.extent} or (drive and not against), error
    else:
        assert drive == 0 or against


# Through extends


def test_a_problem_is_placed_in_the_file_that_holds_it(write_study: WriteStudy) -> None:
    write_study("name: parent\nextends: base\n\ndesign:\n  life_years: 99\n", "parent.yaml")
    message = message_of(write_study("name: child\nextends: parent.yaml\n"))
    assert message == "parent.yaml:5: design.life_years: found 99; allowed a number from 0.5 to 15 [years]"


def test_an_inherited_name_that_no_longer_exists_is_placed_where_it_is_written(write_study: WriteStudy) -> None:
    write_study("name: parent\nextends: base\ndesign:\n  vehicle: my_rocket\n", "parent.yaml")
    message = message_of(write_study("name: child\nextends: parent.yaml\n"))
    assert message.startswith("parent.yaml:4: design.vehicle: found 'my_rocket'; allowed falcon_9, ")


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        (
            "bas",
            "'bas', which is not there; allowed a path, or a name in the library: base, small (did you mean 'base'?)",
        ),
        (
            "nowhere/x.yaml",
            "'nowhere/x.yaml', which is not there; allowed a path, or a name in the library: base, small",
        ),
        ("study.yaml", "a cycle: study.yaml > study.yaml; allowed a chain that ends"),
        ("other.yaml", "a cycle: study.yaml > other.yaml > study.yaml; allowed a chain that ends"),
    ],
)
def test_extends_to_what_can_not_be_extended(write_study: WriteStudy, extends: str, message: str) -> None:
    write_study("name: other\nextends: study.yaml\n", "other.yaml")
    found = message_of(write_study(f"name: child\n\nextends: {extends}\n"))
    file, line = ("other.yaml", 2) if extends == "other.yaml" else ("study.yaml", 3)
    assert found == f"{file}:{line}: extends: found {message}"


def test_extends_to_a_folder(write_study: WriteStudy) -> None:
    found = message_of(write_study("name: child\nextends: .\n"))
    assert found == ".: found a directory; allowed a YAML or JSON file"


def test_extends_of_the_wrong_type(write_study: WriteStudy) -> None:
    found = message_of(write_study("name: child\nextends: [base]\n"))
    assert found == "study.yaml:2: extends: found a list of 1; allowed text"


# Overrides

BAD_ITEMS = [
    ("design.altitud_km=900", "design.altitud_km: found an unknown key; allowed ... (did you mean 'altitude_km'?)"),
    ("desing.altitude_km=900", "desing: found an unknown key; allowed ... (did you mean 'design'?)"),
    (
        "design.altitude_km=900 km",
        f"design.altitude_km: found '900 km'; allowed a number from 400 to 2000 [km] {UNIT_HINT}",
    ),
    ("design.altitude_km=", "design.altitude_km: found nothing; allowed a number from 400 to 2000 [km]"),
    ("design.altitude_km=nan", "design.altitude_km: found 'nan'; allowed a number from 400 to 2000 [km]"),
    ("design.altitude_km=.nan", "design.altitude_km: found nan; allowed a number from 400 to 2000 [km]"),
    ("design.altitude_km.low=950", "design.altitude_km: found low 950.0 above high 900.0; allowed low below high"),
    ("design.vehicle=[falcon_9, starship_v5x]", "design.vehicle[1]: found 'starship_v5x'; allowed ..."),
    (
        "assumptions.power.pmad_efficiency=2",
        "assumptions.power.pmad_efficiency: found 2; allowed a number from 0.1 to 1 [fraction]",
    ),
    (
        "subject_to=[it_power_mw < 200]",
        "subject_to[0]: found 'it_power_mw < 200', which contradicts 'demand.it_power_mw = 200.0'; allowed ...",
    ),
    ("subject_to.0=capex_usd < 200", "subject_to: found a mapping; allowed a list, each item with a dash"),
    (
        "design.altitude_km",
        "found 'design.altitude_km'; allowed key=value with a dotted key, for example design.altitude_km=900",
    ),
    ("=900", "found '=900'; allowed key=value with a dotted key, ..."),
    ("design..altitude_km=900", "found 'design..altitude_km=900'; allowed key=value with a dotted key, ..."),
    ("extends=small", "extends: found extends in a --set item; allowed it in a study file"),
    ("title=a: b: c", "found text that is not YAML: mapping values are not allowed here; allowed YAML 1.2 or JSON"),
    ("title={a: 1, a: 2}", "a: found this key twice; allowed each key once"),
]


@pytest.mark.parametrize(("item", "message"), BAD_ITEMS, ids=[ascii(item) for item, _ in BAD_ITEMS])
def test_a_bad_override_names_the_item(small_library: Path, item: str, message: str) -> None:
    found = message_of("base", item)
    assert is_like(found, f"--set {item}: {message}"), found


@pytest.mark.parametrize("key", ["a\nb", "\x1b[31m", "x" * 10_000], ids=["newline", "escape", "long"])
def test_a_key_that_does_not_print_stays_in_one_short_line(key: str) -> None:
    with pytest.raises(StudyError) as caught:
        study_from_mapping({"name": "m", key: 1})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_two_overrides_of_one_value(small_library: Path) -> None:
    found = message_of("base", "design.life_years=3", "design.life_years=4")
    expected = "design.life_years: found this key again after --set design.life_years=3; allowed once"
    assert found == f"--set design.life_years=4: {expected}"


def test_alternatives_in_one_set_of_overrides(small_library: Path) -> None:
    found = message_of("base", "minimise=capex_usd", "maximise=availability")
    assert found == (
        "--set maximise=availability: maximise: found both minimise and maximise; allowed one of minimise, maximise "
        "(kind: pareto has several)"
    )


def test_bytes_of_the_command_line_that_are_not_utf_8(small_library: Path) -> None:
    message = message_of("base", "title=caf\udce9")
    assert message.startswith(r"--set 'title=caf\udce9': found text that is not YAML: unacceptable character #xdce9")


def test_a_long_item_is_cut_short(small_library: Path) -> None:
    assert len(message_of("base", f"design.altitude_km={'x' * 5000}")) < 500


# From Python


def circle() -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    mapping["design"] = mapping
    return mapping


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({}, "study: name: found nothing; allowed Name of the study: a-z, 0-9 and hyphens"),
        ({1: 2}, "study: found the key 1; allowed names as keys"),
        (circle(), f"study: found values nested deeper than {MAX_DEPTH}; allowed up to {MAX_DEPTH} levels"),
        ({"name": "m", "title": {1, 2}}, "study: title: found a Python set; allowed text"),
        ({"name": "m", "title": b"x"}, "study: title: found a Python bytes; allowed text"),
        ({"name": "m", "design": {"life_years": 10**9999}}, "study: design.life_years: found inf; allowed a number"),
        ({"name": "m", "search": {"seed": -(10**99)}}, "study: search.seed: found -1e+99; allowed a whole number"),
        ({"name": "m", "title": "\ud800"}, r"study: title: found '\ud800'; allowed text of whole Unicode characters"),
        ({"name": "m", "title": "x" * 10_001}, "study: title: found 10001 characters; allowed up to 10000 characters"),
        (
            {"name": "m", "design": {"life_years": float("nan")}},
            "study: design.life_years: found nan; allowed a number",
        ),
        (["name"], "study: found a list of 1; allowed a mapping with the keys name, "),
    ],
    ids=["empty", "key", "circle", "set", "bytes", "huge", "large", "surrogate", "long", "nan", "list"],
)
def test_python_values_are_checked_like_a_file(mapping: Any, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        study_from_mapping(mapping)
    assert str(caught.value).startswith(message)


# Whatever is written, the answer is a study or a StudyError

KEYS = st.sampled_from(["name", "title", "extends", "design", "assumptions", "demand", "subject_to", "low", *VARIABLES])
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["base", "demand"])
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.sampled_from(sorted(GROUPS)) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, TREES, max_size=6))
def test_no_mapping_ends_in_another_error(mapping: dict[str, Any]) -> None:
    try:
        study_from_mapping(mapping)
    except StudyError as error:
        assert all(re.match(r"study: (?:\S.*: )?found ", line) for line in str(error).split("\nstudy: ")[:1])


@given(st.binary(max_size=200) | st.text(alphabet="abc:-[]{}&*!|>'\"#%@`?, \n\t0.~<=\\", max_size=60).map(str.encode))
def test_no_bytes_end_in_another_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(StudyError):
        read_study(path)


@given(st.text(max_size=60) | st.builds("{}={}".format, st.sampled_from(["title", "design.life_years"]), st.text()))
def test_no_override_ends_in_another_error(item: str) -> None:
    mapping = {"name": "m", "minimise": "capex_usd"}
    with pytest.raises(StudyError):  # the design is missing in any case
        study_from_mapping(mapping, [item])
