"""The shipped cases agree, a disagreement is told, and every kind of broken file is refused with one message."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.studies.published import METHODS
from dawndusk.studies.published.validation import (
    COLUMNS,
    REQUIRED,
    PublishedCase,
    all_agree,
    read_cases,
    run_cases,
    table_rows,
    to_json,
)

GOOD = {
    "case_id": "SSO-650",
    "method": "sso_inclination",
    "inputs": '{"altitude_km": 650}',
    "metric": "inclination_deg",
    "expected": "97.99",
    "units": "deg",
    "tolerance_rel": "0.0005",
    "source": "Vallado",
    "url": "",
    "confidence": "high",
    "note": "",
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_cases(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
        path = tmp_path / "cases.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            writer.writerows([row[name] for name in columns] for row in rows)
        return path

    return write_cases


def refusal(path: Path) -> str:
    with pytest.raises(DawnduskError) as caught:
        run_cases(read_cases(path))
    message = str(caught.value)
    assert "\n" not in message
    return message


# The shipped cases


@pytest.mark.parametrize("case", read_cases(), ids=lambda case: f"{case.case_id}-{case.metric}")
def test_shipped_case_agrees(case: PublishedCase) -> None:
    (result,) = run_cases([case])
    assert result.passed, f"{result.got:g} instead of {case.expected:g}: {result.reason}"


def test_shipped_cases_carry_their_evidence_and_cover_the_authorities() -> None:
    cases = read_cases()
    assert len(cases) == 96
    assert all(case.source and case.confidence for case in cases)
    assert len({(case.case_id, case.metric) for case in cases}) == len(cases)
    unused = set(METHODS) - {case.method for case in cases}
    assert unused == {"eclipse_free_altitude", "radiator_temperature"}


# Further cases


def test_a_further_file_is_read_and_missing_inputs_take_defaults(write: Write) -> None:
    (case,) = read_cases(write(GOOD | {"inputs": "{}"}))
    assert case.inputs == {}
    assert all_agree(run_cases([case]))


def test_path_as_text_empty_inputs_and_columns_in_another_order(write: Write) -> None:
    path = write(GOOD | {"inputs": ""}, columns=tuple(reversed(COLUMNS)))
    assert all_agree(run_cases(read_cases(str(path))))


def test_optional_columns_may_be_left_out(write: Write) -> None:
    (case,) = read_cases(write(GOOD, columns=REQUIRED))
    assert (case.units, case.note) == ("", "")


@pytest.mark.parametrize("units", ["deg", "degrees", "", "grad of arc"])
def test_units_may_be_spelt_in_several_ways(write: Write, units: str) -> None:
    assert all_agree(run_cases(read_cases(write(GOOD | {"units": units}))))


# Agreement and disagreement


def test_disagreement_fails_and_tells_the_reason(write: Write) -> None:
    wrong = GOOD | {"expected": "100", "note": "published for 1,100 km"}
    good, bad = run_cases(read_cases(write(GOOD, wrong)))
    assert (good.passed, good.reason) == (True, "")
    assert (bad.passed, bad.reason) == (False, "published for 1,100 km")
    assert not all_agree([good, bad])
    assert table_rows([bad])[0]["result"] == "DISAGREES"
    assert table_rows([bad])[0]["reason"] == "published for 1,100 km"


def test_disagreement_without_a_note_says_that_no_reason_is_known(write: Write) -> None:
    (result,) = run_cases(read_cases(write(GOOD | {"expected": "100"})))
    assert result.reason == "no reason known"
    assert result.deviation == pytest.approx((result.got - 100) / 100)


def test_deviation_of_a_negative_value_has_the_sign_of_the_difference(write: Write) -> None:
    case = GOOD | {"method": "mccalip", "metric": "breakeven_launch_usd_per_kg", "units": "USD/kg", "inputs": "{}"}
    (result,) = run_cases(read_cases(write(case | {"expected": "-300"})))
    assert result.deviation == pytest.approx((result.got + 300) / 300)
    assert result.deviation > 0


@pytest.mark.parametrize(("altitude_km", "passed"), [(1400, True), (1389, False)])
def test_expected_zero_takes_the_tolerance_in_the_units_of_the_metric(
    write: Write, altitude_km: float, passed: bool
) -> None:
    case = GOOD | {"method": "eclipse", "metric": "eclipse_max_min", "units": "min", "expected": "0"}
    inputs = json.dumps({"altitude_km": altitude_km, "ltan_h": 6})
    (result,) = run_cases(read_cases(write(case | {"inputs": inputs, "tolerance_rel": "0.03"})))
    assert result.passed is passed
    assert result.deviation == result.got
    assert table_rows([result])[0]["tolerance"] == "0.03 min"


def test_tolerance_zero_wants_the_very_number(write: Write) -> None:
    case = GOOD | {"method": "turyshev_breakeven", "metric": "launch_plus_build_usd_per_kg", "inputs": "{}"}
    case |= {"units": "USD/kg", "tolerance_rel": "0"}
    results = run_cases(read_cases(write(case | {"expected": "250"}, case | {"expected": "250.0001"})))
    assert [result.passed for result in results] == [True, False]


def test_json_is_strict_and_complete(write: Write) -> None:
    results = run_cases(read_cases(write(GOOD, GOOD | {"expected": "1"})))
    plain = json.loads(json.dumps(to_json(results), allow_nan=False))
    assert (plain["agree"], plain["disagree"]) == (1, 1)
    assert plain["cases"][0]["case_id"] == "SSO-650"
    assert plain["cases"][0]["inputs"] == {"altitude_km": 650}
    assert {"metric", "expected", "got", "deviation", "tolerance_rel", "passed", "reason"} <= set(plain["cases"][0])


# Bad files


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"method": "sso_inclinaton"}, "method: found 'sso_inclinaton', no such method"),
        ({"method": ""}, "method: found '', no such method"),
        ({"metric": "inclination"}, "did you mean 'inclination_deg'"),
        ({"inputs": '{"altitude": 650}'}, "did you mean 'altitude_km'"),
        ({"inputs": '{"altitude_km": 650'}, "which is no JSON"),
        ({"inputs": '{"altitude_km": NaN}'}, "inputs: found NaN, allowed finite numbers"),
        ({"inputs": '{"altitude_km": 1e999}'}, "altitude_km: found inf"),
        ({"inputs": '{"altitude_km": -650}'}, "altitude_km: found -650, allowed a number from 100 to 5900 km"),
        ({"inputs": '{"altitude_km": "650"}'}, "write 650 without quotes"),
        ({"inputs": '{"altitude_km": true}'}, "altitude_km: found True"),
        ({"inputs": '{"altitude_km": 650, "altitude_km": 700}'}, "found 'altitude_km' twice"),
        ({"inputs": "[650]"}, "allowed an object such as"),
        ({"inputs": "650"}, "allowed an object such as"),
        ({"inputs": "[" * 100_000}, "which is no JSON"),
        ({"inputs": '{"altitude_km": 1' + "0" * 5000 + "}"}, "which is no JSON"),
        ({"expected": "about 98"}, "expected: found 'about 98', allowed a finite number"),
        ({"expected": ""}, "expected: found ''"),
        ({"expected": "nan"}, "expected: found 'nan'"),
        ({"expected": "inf"}, "expected: found 'inf'"),
        ({"tolerance_rel": "-0.1"}, "tolerance_rel: found -0.1, allowed 0 or more"),
        ({"tolerance_rel": "5 %"}, "tolerance_rel: found '5 %'"),
        ({"tolerance_rel": "1e999"}, "tolerance_rel: found '1e999'"),
        ({"units": "rad"}, "units: found 'rad', allowed 'deg'"),
        ({"units": "km"}, "units: found 'km', allowed 'deg'"),
        ({"case_id": ""}, "case_id: found nothing"),
    ],
)
def test_bad_cell_is_refused_with_file_line_and_column(write: Write, change: dict[str, str], found: str) -> None:
    message = refusal(write(GOOD, GOOD | change))
    assert message.startswith("cases.csv, line 3: ")
    assert found in message
    assert len(message) < 900


def test_contradictory_inputs_are_refused_with_file_and_line(write: Write) -> None:
    inputs = '{"orbit": "dawn_dusk_sso", "inclination_deg": 53}'
    bad = GOOD | {"method": "dose", "metric": "dose_rad_si", "units": "rad(Si)", "inputs": inputs}
    assert refusal(write(bad)).startswith("cases.csv, line 2: inputs: inclination_deg: found it beside")


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_column_is_refused(write: Write, name: str) -> None:
    message = refusal(write(GOOD, columns=tuple(c for c in COLUMNS if c != name)))
    assert f"cases.csv, line 1: found no column '{name}'" in message


def test_misspelt_column_names_what_was_written(write: Write) -> None:
    columns = tuple("tolerance" if c == "tolerance_rel" else c for c in COLUMNS)
    message = refusal(write(GOOD | {"tolerance": "0.1"}, columns=columns))
    assert "found no column 'tolerance_rel' (perhaps written 'tolerance'?)" in message


def test_unknown_and_doubled_columns_are_refused(write: Write) -> None:
    assert "did you mean 'note'" in refusal(write(GOOD | {"notes": ""}, columns=(*COLUMNS, "notes")))
    assert "'note' twice" in refusal(write(GOOD, columns=(*COLUMNS, "note")))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "cases.csv, line 1: found no names of columns"),
        (b"\n\n", "cases.csv, line 1: found no names of columns"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff", "found no readable CSV file"),
        (b"\x00\x01\x02\x03", "cases.csv"),
        (",".join(COLUMNS).encode(), "found no cases"),
        ((",".join(COLUMNS) + "\nonly,three,cells\n").encode(), "found 3 cells"),
        (",".join(COLUMNS).encode("utf-16"), "found no readable CSV file"),
    ],
)
def test_files_without_cases_are_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(content)
    assert found in refusal(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    assert "nowhere.csv: found no readable CSV file" in refusal(tmp_path / "nowhere.csv")
    assert "found no readable CSV file" in refusal(tmp_path)
