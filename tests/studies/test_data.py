"""The shipped data carry their evidence, and every kind of broken row is refused with a helpful message."""

from __future__ import annotations

import copy
import csv
import dataclasses
import math
import pickle
import shutil
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from dawndusk.models.assumptions import GROUPS, Assumptions
from dawndusk.models.catalogue import CATALOGUES
from dawndusk.models.errors import AssumptionError
from dawndusk.models.quantity import Quantity
from dawndusk.studies.data import (
    COLUMNS,
    default_assumptions,
    read_assumptions,
    read_rows,
    with_rows,
    with_values,
)

SHIPPED = Path(str(files("dawndusk.studies.data")))
OWNERS = [*GROUPS, *CATALOGUES]
GOOD = {
    "key": "power.pmad_efficiency",
    "value": "0.9",
    "low": "0.85",
    "high": "0.95",
    "units": "fraction",
    "source": "a handbook",
    "url": "",
    "year": "2011",
    "confidence": "low",
    "note": "",
}


@pytest.fixture(scope="module")
def shipped() -> Assumptions:
    return default_assumptions()


def write_rows(path: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows([row[name] for name in columns if name in row] for row in rows)
    return path


def write_quantities(path: Path, rows: dict[str, Quantity]) -> Path:
    def text(value: object) -> str:
        return "" if value is None else str(value)

    cells = [{"key": key, **{n: text(v) for n, v in vars(row).items()}} for key, row in rows.items()]
    return write_rows(path, *cells)


def fields_of(owner: str) -> list[str]:
    return [field.name for field in dataclasses.fields({**GROUPS, **CATALOGUES}[owner])]


# The shipped rows


@pytest.mark.parametrize("owner", OWNERS)
def test_every_shipped_row_carries_value_units_source_year_and_confidence(owner: str) -> None:
    for key, row in read_rows(SHIPPED / f"{owner}.csv").items():
        assert key.startswith(f"{owner}."), key
        assert math.isfinite(row.value), key
        assert row.units, key
        assert row.source, key
        assert 1950 <= row.year <= 2026, key
        assert row.confidence in {"high", "medium", "low", "assumed"}, key


@pytest.mark.parametrize("owner", OWNERS)
def test_doubtful_shipped_rows_have_a_range_and_assumptions_a_reason(owner: str) -> None:
    for key, row in read_rows(SHIPPED / f"{owner}.csv").items():
        if row.confidence in {"low", "assumed"}:
            assert row.low is not None, key
            assert row.high is not None, key
            assert row.low <= row.value <= row.high, key
        if row.confidence == "assumed":
            assert row.source == "dawndusk assumption", key
            assert row.note, key


def test_an_assumption_is_never_dressed_up_as_a_fact(shipped: Assumptions) -> None:
    for key, row in shipped.provenance.items():
        if row.source == "dawndusk assumption":
            assert row.confidence == "assumed", key


def test_recalled_values_are_not_better_than_low(shipped: Assumptions) -> None:
    for key, row in shipped.provenance.items():
        if "Recalled from general knowledge" in row.note:
            assert row.confidence == "low", key


@pytest.mark.parametrize("owner", OWNERS)
def test_every_field_has_a_row_and_every_row_is_the_value_in_use(shipped: Assumptions, owner: str) -> None:
    part = getattr(shipped, owner)
    records = {owner: part} if owner in GROUPS else {f"{owner}.{name}": row for name, row in part.items()}
    keys = {f"{prefix}.{name}" for prefix in records for name in fields_of(owner)}
    assert keys == {key for key in shipped.provenance if key.split(".")[0] == owner}
    for prefix, record in records.items():
        for name in fields_of(owner):
            assert getattr(record, name) == shipped.provenance[f"{prefix}.{name}"].value


def test_the_catalogues_hold_what_studies_name(shipped: Assumptions) -> None:
    orbits = {"dawn_dusk_sso", "noon_midnight_sso", "mid_inclination_53", "mid_inclination_30"}
    assert orbits <= set(shipped.orbits)
    assert {"h100", "gb200_nvl72", "vera_rubin_nvl72", "tpu_v6e"} <= set(shipped.accelerators)
    assert {"falcon_9", "starship_v3", "new_glenn_7x2"} <= set(shipped.vehicles)
    assert shipped.workload in shipped.workloads
    assert shipped.training_run in shipped.training_runs


@pytest.mark.parametrize("group", ["vehicles", "accelerators"])
def test_shipped_ranges_stay_inside_the_domain_of_their_field(shipped: Assumptions, group: str) -> None:
    domain = {field.name: field.metadata for field in dataclasses.fields(CATALOGUES[group])}
    for key, row in shipped.provenance.items():
        if key.startswith(f"{group}."):
            limits = domain[key.rsplit(".", 1)[1]]
            for end in (row.low, row.high):
                assert end is None or limits["minimum"] <= end <= limits["maximum"], key


def test_reading_the_shipped_data_is_fast() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        read_assumptions(SHIPPED, workload="training", training_run="gpt5_class")
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.05


def test_the_default_assumptions_are_read_once() -> None:
    assert default_assumptions() is default_assumptions()


def test_assumptions_travel_to_other_processes(shipped: Assumptions) -> None:
    for twin in (pickle.loads(pickle.dumps(shipped)), copy.deepcopy(shipped)):
        assert twin.provenance == shipped.provenance
        assert twin.vehicles == shipped.vehicles


# The environment tables


def test_axes_rise_strictly_and_tables_are_finite(shipped: Assumptions) -> None:
    data = shipped.data
    for axis in (
        data.dose_altitude_km,
        data.dose_thickness_mm,
        data.proton_altitude_km,
        data.proton_energy_mev,
        data.density_altitude_km,
        data.density_f107,
    ):
        assert (np.diff(axis) > 0).all()
    for table in (*data.electron_dose.values(), *data.proton_dose.values(), *data.proton_flux.values()):
        assert np.isfinite(table).all()
        assert (table > 0).all()
    assert (data.density_kg_m3 > 0).all()


def test_tables_have_the_shape_of_their_axes(shipped: Assumptions) -> None:
    data = shipped.data
    for dose in (*data.electron_dose.values(), *data.proton_dose.values()):
        assert dose.shape == (data.dose_altitude_km.size, data.dose_thickness_mm.size)
    for flux in data.proton_flux.values():
        assert flux.shape == (data.proton_altitude_km.size, data.proton_energy_mev.size)
    assert data.density_kg_m3.shape == (data.density_altitude_km.size, data.density_f107.size)


@pytest.mark.parametrize("orbit_set", ["sso", "30", "53"])
def test_dose_falls_with_thickness_and_flux_with_energy(shipped: Assumptions, orbit_set: str) -> None:
    data = shipped.data
    assert (np.diff(data.electron_dose[orbit_set], axis=1) < 0).all()
    assert (np.diff(data.proton_dose[orbit_set], axis=1) < 0).all()
    assert (np.diff(data.proton_flux[orbit_set], axis=1) < 0).all()


@pytest.mark.parametrize("orbit_set", ["sso", "30", "53"])
def test_proton_dose_and_flux_rise_with_altitude(shipped: Assumptions, orbit_set: str) -> None:
    assert (np.diff(shipped.data.proton_dose[orbit_set], axis=0) > 0).all()
    assert (np.diff(shipped.data.proton_flux[orbit_set], axis=0) > 0).all()


def test_density_falls_with_altitude_and_rises_with_solar_flux(shipped: Assumptions) -> None:
    assert (np.diff(shipped.data.density_kg_m3, axis=0) < 0).all()
    assert (np.diff(shipped.data.density_kg_m3, axis=1) > 0).all()


@pytest.mark.parametrize(("thickness_mm", "krad_per_year"), [(3, 1.31), (5, 0.42), (7, 0.24), (10, 0.19), (20, 0.13)])
def test_dose_at_650_km_sun_synchronous_is_that_of_the_reference_pack(
    shipped: Assumptions, thickness_mm: float, krad_per_year: float
) -> None:
    data = shipped.data
    node = (list(data.dose_altitude_km).index(650), list(data.dose_thickness_mm).index(thickness_mm))
    total = data.electron_dose["sso"][node] + data.proton_dose["sso"][node]
    assert total == pytest.approx(krad_per_year, abs=0.006)


def test_tables_can_not_be_written_to(shipped: Assumptions) -> None:
    with pytest.raises(ValueError, match="read-only"):
        shipped.data.density_kg_m3[0, 0] = 0.0


# Broken rows


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"key": "power.pmad_eficiency"}, "did you mean 'power.pmad_efficiency'"),
        ({"key": "powr.pmad_efficiency"}, "did you mean 'power.pmad_efficiency'"),
        ({"key": "power"}, "names no value"),
        ({"key": ""}, "names no value"),
        ({"key": "vehicles.price_usd"}, "names no value"),
        ({"key": "vehicles.Falcon 9.price_usd"}, "names no value"),
        ({"key": "vehicles.falcon_9.prise_usd"}, "did you mean 'vehicles.falcon_9.price_usd'"),
        ({"value": ""}, "allowed a finite number"),
        ({"value": "nan"}, "allowed a finite number"),
        ({"value": "inf"}, "allowed a finite number"),
        ({"value": "1_0"}, "allowed a finite number"),
        ({"value": "ninety percent"}, "'ninety percent'"),
        ({"value": "1.2", "high": "1.3"}, "allowed 0.1 to 1 fraction"),
        ({"value": "0.05", "low": "0.01"}, "allowed 0.1 to 1 fraction"),
        ({"low": "nan"}, "low: found 'nan'"),
        ({"high": "1.4"}, "high: found 1.4, allowed 0.1 to 1 fraction"),
        ({"value": "0.8"}, "allowed inside its own range 0.85 to 0.95"),
        ({"low": "0.95", "high": "0.85"}, "allowed inside its own range"),
        ({"low": ""}, "allowed with confidence 'low': low and high"),
        ({"high": "", "confidence": "assumed"}, "allowed with confidence 'assumed': low and high"),
        ({"units": "percent"}, "found 'percent', allowed 'fraction'"),
        ({"units": ""}, "allowed 'fraction'"),
        ({"source": ""}, "source: found nothing"),
        ({"year": ""}, "year: found ''"),
        ({"year": "last year"}, "allowed a year"),
        ({"year": "20260"}, "allowed a year"),
        ({"confidence": ""}, "allowed high, medium, low, assumed"),
        ({"confidence": "hihg"}, "did you mean 'high'"),
    ],
)
def test_a_broken_row_is_refused_with_its_file_line_and_key(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    broken = {**GOOD, **changes}
    path = write_rows(tmp_path / "mine.csv", {**GOOD, "key": "power.charge_efficiency"}, broken)
    with pytest.raises(AssumptionError) as error:
        read_rows(path)
    assert says in str(error.value)
    assert "mine.csv, line 3" in str(error.value)
    assert broken["key"] in str(error.value)


def test_a_second_row_for_a_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssumptionError, match=r"line 3: power\.pmad_efficiency: found a second row"):
        read_rows(write_rows(tmp_path / "mine.csv", GOOD, GOOD))


def test_a_short_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(",".join(COLUMNS) + "\npower.pmad_efficiency,0.9\n", encoding="utf-8")
    with pytest.raises(AssumptionError, match=r"line 2: power\.pmad_efficiency: found 2 cells, allowed 10"):
        read_rows(path)


def test_a_wrong_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "mine.csv", columns=("key", "value", "low", "high", "unit", *COLUMNS[5:]))
    with pytest.raises(AssumptionError, match=r"line 1: .*did you mean 'units'"):
        read_rows(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00k", b'key,"value\n'])
def test_a_file_that_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(AssumptionError, match=r"mine\.csv"):
        read_rows(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssumptionError, match=r"nowhere\.csv"):
        read_rows(tmp_path / "nowhere.csv")


def test_a_byte_order_mark_and_empty_lines_do_no_harm(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "mine.csv", GOOD)
    path.write_text("\ufeff" + path.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    assert read_rows(str(path))["power.pmad_efficiency"].value == 0.9


# Broken folders


def drop_row(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([lines[0], *lines[2:]]), encoding="utf-8")


def negate_first_number(path: Path) -> None:
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    first = next(i for i, name in enumerate(rows[0]) if " " in name)
    rows[1][first] = "-1"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)


def double_first_row(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1]]), encoding="utf-8")


def swap_in(other: str) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        shutil.copy(path.with_name(other), path)

    return act


@pytest.mark.parametrize(
    ("name", "damage", "says"),
    [
        ("power.csv", drop_row, r"power\.csv: power: found no row for pmad_efficiency"),
        ("vehicles.csv", drop_row, r"vehicles\.csv: vehicles\.falcon_9: found no row for payload_leo_kg"),
        ("thermal.csv", swap_in("power.csv"), r"thermal\.csv: found the key 'power\.pmad_efficiency'"),
        ("ground.csv", Path.unlink, r"ground\.csv: found no readable CSV file"),
        ("dose_depth.csv", drop_row, r"dose_depth\.csv: sso electron: found no row at 400 km"),
        ("dose_depth.csv", negate_first_number, r"line 2: sso electron 400: 0\.5 mm: found -1"),
        ("trapped_proton_flux.csv", negate_first_number, r"trapped_proton_flux\.csv, line 2: .* found -1"),
        ("atmosphere.csv", double_first_row, r"atmosphere\.csv, line 13: .*: found a second row"),
        ("atmosphere.csv", swap_in("dose_depth.csv"), r"atmosphere\.csv, line 1: found the columns"),
    ],
)
def test_a_damaged_folder_is_refused(tmp_path: Path, name: str, damage: Callable[[Path], None], says: str) -> None:
    folder = tmp_path / "data"
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    damage(folder / name)
    with pytest.raises(AssumptionError, match=says):
        read_assumptions(folder, workload="training", training_run="gpt5_class")


def test_an_unknown_workload_is_named_with_the_nearest() -> None:
    with pytest.raises(AssumptionError, match="did you mean 'training'"):
        read_assumptions(SHIPPED, workload="trainings", training_run="gpt5_class")


# A user's own rows


def test_provenance_written_as_a_file_reads_back_as_it_was(tmp_path: Path, shipped: Assumptions) -> None:
    rows = read_rows(write_quantities(tmp_path / "all.csv", dict(shipped.provenance)))
    assert rows == shipped.provenance
    again = with_rows(shipped, rows)
    assert all(getattr(again, owner) == getattr(shipped, owner) for owner in OWNERS)


def test_values_of_a_study_also_survive_the_round_trip(tmp_path: Path, shipped: Assumptions) -> None:
    changed = with_values(shipped, {"vehicles.starship_v3.price_usd": 2e8, "power.cycles_few": 7000})
    rows = read_rows(write_quantities(tmp_path / "all.csv", dict(changed.provenance)))
    assert with_rows(shipped, rows).provenance == changed.provenance


def test_own_rows_replace_value_and_provenance(tmp_path: Path, shipped: Assumptions) -> None:
    row = {**GOOD, "value": "0.93", "source": "our test bench"}
    changed = with_rows(shipped, read_rows(write_rows(tmp_path / "mine.csv", row)))
    assert changed.power.pmad_efficiency == 0.93
    assert changed.power.charge_efficiency == shipped.power.charge_efficiency
    assert changed.provenance["power.pmad_efficiency"].source == "our test bench"
    assert shipped.power.pmad_efficiency == 0.9


def test_a_new_catalogue_row_needs_all_its_fields(tmp_path: Path, shipped: Assumptions) -> None:
    numbers = {"value": "1e6", "low": "0", "high": "1e9"}
    row = {**GOOD, **numbers, "key": "training_runs.tiny.flop", "units": "FLOP", "low": "1e5"}
    changed = with_rows(shipped, read_rows(write_rows(tmp_path / "mine.csv", row)))
    assert changed.training_runs["tiny"].flop == 1e6
    part = {**GOOD, **numbers, "key": "vehicles.mine.price_usd", "units": "USD/launch"}
    with pytest.raises(AssumptionError, match=r"vehicles\.mine\.price_usd: .*missing: payload_leo_kg"):
        with_rows(shipped, read_rows(write_rows(tmp_path / "part.csv", part)))


def test_rows_made_by_hand_are_checked_too(shipped: Assumptions) -> None:
    good = shipped.provenance["power.pmad_efficiency"]
    with pytest.raises(AssumptionError, match="found units 'percent'"):
        with_rows(shipped, {"power.pmad_efficiency": dataclasses.replace(good, units="percent")})
    with pytest.raises(AssumptionError, match=r"found 7, allowed 0\.1 to 1 fraction"):
        with_rows(shipped, {"power.pmad_efficiency": dataclasses.replace(good, value=7.0)})


# Single values of a study


def test_a_value_in_range_keeps_the_range_and_names_the_study(shipped: Assumptions) -> None:
    changed = with_values(shipped, {"power.pmad_efficiency": 0.88}, source="study cheap-launch")
    row = changed.provenance["power.pmad_efficiency"]
    assert changed.power.pmad_efficiency == row.value == 0.88
    assert (row.low, row.high) == (0.85, 0.95)
    assert row.source == "study cheap-launch"
    assert row.confidence == "assumed"
    assert "outside" not in row.note
    assert shipped.provenance["power.pmad_efficiency"].value == 0.9


def test_a_value_outside_the_sourced_range_is_allowed_and_said(shipped: Assumptions) -> None:
    row = with_values(shipped, {"power.pmad_efficiency": 0.5}).provenance["power.pmad_efficiency"]
    assert "outside the sourced range 0.85 to 0.95" in row.note
    assert (row.low, row.high) == (0.5, 0.95)


@pytest.mark.parametrize("number", [1, 1.0, np.float64(1.0), np.int64(1)])
def test_numbers_of_every_kind_are_taken(shipped: Assumptions, number: float) -> None:
    changed = with_values(shipped, {"launch.insured_fraction": number})
    assert type(changed.launch.insured_fraction) is float
    assert changed.launch.insured_fraction == 1.0


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"power.pmad_eficiency": 0.9}, "did you mean 'power.pmad_efficiency'"),
        ({"vehicles.starship_v33.price_usd": 1e7}, "did you mean 'vehicles.starship_v3.price_usd'"),
        ({"vehicles.starship_v3.pice_usd": 1e7}, "did you mean 'vehicles.starship_v3.price_usd'"),
        ({"power": 0.9}, "power: found no such value"),
        ({"vehicles": 1}, "vehicles: found no such value"),
        ({"workload": 1}, "workload: found no such value"),
        ({"power.pmad_efficiency": True}, "found True, allowed a number"),
        ({"power.pmad_efficiency": "0.9"}, "found '0.9', allowed a number"),
        ({"power.pmad_efficiency": None}, "found None, allowed a number"),
        ({"power.pmad_efficiency": [0.9]}, "allowed a number"),
        ({"power.pmad_efficiency": math.nan}, "found nan, allowed 0.1 to 1 fraction"),
        ({"cost.nre_usd": math.inf}, "found inf, allowed 0 to 1e+15 USD"),
        ({"cost.nre_usd": 10**400}, "allowed a finite number"),
        ({"power.pmad_efficiency": 1.01}, "found 1.01, allowed 0.1 to 1 fraction"),
        ({"cost.nre_usd": -1}, "found -1, allowed 0 to 1e+15 USD"),
        ({7: 1}, "found the key 7"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(
    shipped: Assumptions, values: dict[str, float], says: str
) -> None:
    with pytest.raises(AssumptionError) as error:
        with_values(shipped, values)
    assert says in str(error.value)


@pytest.mark.parametrize("catalogue", list(CATALOGUES))
def test_a_complete_new_row_can_be_set_by_a_study(shipped: Assumptions, catalogue: str) -> None:
    model = next(iter(getattr(shipped, catalogue).values()))
    values = {f"{catalogue}.new_one.{name}": getattr(model, name) for name in fields_of(catalogue)}
    changed = with_values(shipped, values)
    assert getattr(changed, catalogue)["new_one"] == model
    assert "new_one" not in getattr(shipped, catalogue)
    assert changed.provenance[next(iter(values))].source == "set by the study"


def test_a_new_row_needs_a_plain_name(shipped: Assumptions) -> None:
    with pytest.raises(AssumptionError, match="names no value"):
        with_values(shipped, {"training_runs.Big Run.flop": 1e26})


def test_no_values_change_nothing(shipped: Assumptions) -> None:
    assert with_values(shipped, {}).provenance == shipped.provenance
