"""Fronts of a study: the run folder, its exports and pictures, and the commands."""

from __future__ import annotations

import dataclasses
import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from dawndusk.models.errors import DawnduskError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.pareto import find
from dawndusk.optimize.pareto.ends import End
from dawndusk.optimize.problem import Goal
from dawndusk.studies.cli.fronts import export_command, pareto_command
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import read_study, study_from_mapping
from dawndusk.studies.output.exports.front import ENDINGS, export_front
from dawndusk.studies.output.folders import front as front_folder
from dawndusk.studies.output.folders.front import keep_front, write_front
from dawndusk.studies.output.pictures import front as front_picture
from dawndusk.studies.output.pictures.front import spoken
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.output.terminal.front import front_report
from dawndusk.studies.run.folder.ledger import LedgerError
from dawndusk.studies.run.folder.writing import FRONT_FILES, RunFolderError
from dawndusk.studies.run.front.runner import FrontResult, check_front_target, run_front

COST, DEBRIS = "lcoc_usd_per_pflop_hour", "debris_exposure_m2_years"
SPACE: dict[str, Any] = {
    "accelerator": "tpu_v7",
    "accelerators_per_satellite": 126,
    "orbit": "dawn_dusk_sso",
    "altitude_km": {"low": 400, "high": 900, "nominal": 500},
    "radiator": "deployable_two_phase",
    "radiator_area_m2": 350,
    "shielding_mm": 7,
    "array": ["silicon_flexible", "iii_v_rosa"],
    "array_oversize": 1.0,
    "eclipse_ride_through": 0,
    "spare_fraction": 0.1,
    "optical_terminals": 2,
    "life_years": {"low": 2, "high": 8, "nominal": 5},
    "vehicle": "starship_v3",
    "launches_per_year": 80,
}


def study_of(**keys: Any) -> ResolvedStudy:
    mapping = {
        "name": "small-front",
        "extends": "orbit-200mw",
        "kind": "pareto",
        "minimise": [COST, DEBRIS],
        "design": SPACE,
        "front": {"certify_ends": False, "spacing": 0.1},
    }
    return study_from_mapping({**mapping, **keys})


@pytest.fixture(scope="module")
def result() -> FrontResult:
    return run_front(study_of())


@pytest.fixture(scope="module")
def kept(result: FrontResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_front(result, tmp_path_factory.mktemp("front") / "run")


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    """A copy of the run folder, to be damaged."""
    return Path(shutil.copytree(kept, tmp_path / "run"))


def test_a_front_has_all_outcomes_of_its_designs(result: FrontResult) -> None:
    frame = result.to_frame()
    assert (result.status, result.stopped_by) == ("feasible", "completion")
    assert len(frame) == len(result.front) > 5
    assert set(OUTCOMES) <= set(frame.columns)
    assert list(frame["point"]) == list(range(1, len(frame) + 1))
    assert np.array_equal(frame[COST], result.front.values[:, 0])
    assert frame["knee"].sum() == len(result.front.knees)


def test_a_study_of_another_kind_is_refused() -> None:
    with pytest.raises(DawnduskError, match="kind: found design; a front needs kind pareto"):
        run_front(read_study("falcon9-today"))


def test_the_run_folder_holds_everything_and_reads_back(run: Path, result: FrontResult) -> None:
    assert {path.name for path in run.iterdir()} == FRONT_FILES
    assert read_study(run / "study.yaml") == result.study
    content = json.loads((run / "front.json").read_text(encoding="utf-8"))
    assert content["status"] == "feasible"
    assert [point["point"] for point in content["points"]] == list(range(1, len(result.front) + 1))
    assert content["points"][0]["design"] == result.front.designs[0].to_dict()
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["study_hash"] == result.study.hash
    pd.testing.assert_frame_equal(pd.read_parquet(run / "front.parquet"), result.to_frame())


def test_a_run_folder_is_replaced_whole_and_a_stranger_is_left_alone(run: Path, result: FrontResult) -> None:
    assert write_front(result, run) == run
    (run / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"found a folder with other files \(thesis\.txt\)"):
        write_front(result, run)
    assert (run / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_a_front_that_beats_a_certificate_is_an_error_that_names_both(result: FrontResult, tmp_path: Path) -> None:
    keep_front(result, tmp_path / "one")
    kept = {
        json.loads(path.read_text(encoding="utf-8"))["objective_name"]: path for path in tmp_path.glob("*/*-*.json")
    }
    assert set(kept) == {COST, DEBRIS}, "the best design for each goal"
    best = result.front.values[:, 0].min()
    wrong = {**json.loads(kept[COST].read_text(encoding="utf-8")), "proves": True, "bound": 1.01 * best, "design": None}
    kept[COST].write_text(json.dumps(wrong), encoding="utf-8")
    with pytest.raises(
        CertificateError, match=rf"run one .* proved of {COST} .* but run two \(engine front\) has {best}"
    ):
        keep_front(result, tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_a_damaged_certificate_is_found_before_a_front_is_searched(result: FrontResult, tmp_path: Path) -> None:
    keep_front(result, tmp_path / "one")
    for path in (tmp_path / "certificates").iterdir():
        path.write_text("{", encoding="utf-8")
    with pytest.raises(LedgerError, match="found a certificate that can not be read"):
        check_front_target(result.study, tmp_path / "two")


@pytest.mark.parametrize("bound", [True, False], ids=["proved", "infeasible"])
def test_what_is_proved_of_the_end_of_a_front_holds_for_later_runs(
    result: FrontResult, tmp_path: Path, bound: bool
) -> None:
    best = float(result.front.values[:, 0].min())
    end = End(
        goal=Goal(COST),
        status="optimal",
        value=best,
        bound=0.999 * best,
        design=result.front.designs[0],
        seconds=1.0,
        stopped_by="completion",
    )
    end = end if bound else dataclasses.replace(end, status="infeasible", value=None, bound=None)
    keep_front(dataclasses.replace(result, result=dataclasses.replace(result.front, ends=(end,))), tmp_path / "one")
    better = result.front.values.copy()
    better[:, 0] *= 0.9
    later = dataclasses.replace(result, result=dataclasses.replace(result.front, values=better))
    with pytest.raises(CertificateError, match=r"run one \(engine certified\) proved"):
        keep_front(later, tmp_path / "two")


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "csv": pd.read_csv,
    "parquet": pd.read_parquet,
    "xlsx": lambda path: pd.read_excel(path, sheet_name="front"),
}


@pytest.mark.parametrize("name", READERS)
def test_tables_read_back_as_they_were(run: Path, result: FrontResult, tmp_path: Path, name: str) -> None:
    if name == "xlsx":
        pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    path = export_front(run, str(tmp_path / f"out.{name}"))
    read = READERS[name](path)
    expected = result.to_frame()
    assert list(read.columns) == list(expected.columns)
    assert read[DEBRIS].to_numpy() == pytest.approx(expected[DEBRIS].to_numpy(), rel=1e-12)
    assert list(read["array"]) == list(expected["array"])


def test_a_workbook_says_what_its_columns_mean(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    path = export_front(run, str(tmp_path / "out.xlsx"))
    sheets = pd.read_excel(path, sheet_name=None)
    assert list(sheets) == ["front", "ends", "exchanges at the knee", "columns"]
    meaning = sheets["columns"].set_index("column")
    assert meaning.loc[DEBRIS, "units"] == "m2 years"
    assert meaning["meaning"].notna().all()


def test_netcdf_carries_units(run: Path, result: FrontResult, tmp_path: Path) -> None:
    for module in ("xarray", "h5netcdf", "h5py"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    import xarray as xr  # noqa: PLC0415

    path = export_front(run, str(tmp_path / "out.nc"))
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert data.sizes["point"] == len(result.front)
        assert data[DEBRIS].attrs["units"] == "m2 years"
        assert data[COST].to_numpy() == pytest.approx(result.front.values[:, 0])
        assert set(data["array"].to_numpy()) <= {"silicon_flexible", "iii_v_rosa"}


@pytest.mark.parametrize(("name", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("json", b"{")])
def test_pictures_and_json(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, begins: bytes
) -> None:
    if name != "json":
        pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.chdir(tmp_path)
    path = export_front(run, name)
    assert path == Path(f"run-front.{name}")
    assert path.read_bytes().startswith(begins)


def test_the_same_front_is_the_same_picture(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    one, other = (export_front(run, str(tmp_path / f"{name}.svg")).read_bytes() for name in ("one", "other"))
    assert one == other


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("gif", "format: found 'gif'; allowed csv, parquet"),
        ("parket", "did you mean 'parquet'"),
        ("front.xls", r"did you mean 'FILE\.xlsx'|allowed csv"),
        ("", "format: found"),
        ("folder.csv", "found a folder; allowed: a file"),
        ("missing\0name.csv", "can not be written"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(
    run: Path, target: str, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.csv").mkdir()
    with pytest.raises(DawnduskError, match=says):
        export_front(run, target)


def test_a_folder_without_a_front_is_refused(tmp_path: Path, run: Path) -> None:
    with pytest.raises(DawnduskError, match=r"found no run; allowed: the folder of a finished run of kind pareto"):
        export_front(tmp_path, "csv")
    (run / "front.json").write_text('{"points": [], "goals": []', encoding="utf-8")
    with pytest.raises(DawnduskError, match=r"damaged front\.json or table"):
        export_front(run, "csv")
    (run / "front.json").unlink()
    with pytest.raises(DawnduskError, match="found a run without a front"):
        export_front(run, "csv")


@pytest.mark.parametrize(
    ("target", "module", "extra"), [("xlsx", "openpyxl", "export"), ("netcdf", "xarray", "export")]
)
def test_a_missing_library_is_named_with_its_extra_and_leaves_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, module: str, extra: str
) -> None:
    found = importlib.import_module

    def without(name: str, *rest: Any) -> Any:
        if name == module:
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(DawnduskError, match=rf"found no library '{module}'; .*pip install 'dawndusk\[{extra}\]'"):
        export_front(run, target)
    assert sorted(tmp_path.iterdir()) == before


def test_without_matplotlib_a_run_has_no_picture_and_an_export_says_why(
    result: FrontResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (front_picture, front_folder):
        monkeypatch.setattr(module, "is_drawable", lambda: False)
    folder = write_front(result, tmp_path / "plain")
    assert {path.name for path in folder.iterdir()} == FRONT_FILES - {"front.png"}
    with pytest.raises(DawnduskError, match=r"found no library .matplotlib.; .*dawndusk\[plot\]"):
        export_front(folder, str(tmp_path / "out.png"))


def test_an_export_that_fails_leaves_the_older_file(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = export_front(run, str(tmp_path / "out.csv"))
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(DawnduskError, match=r"out\.csv: can not be written: No space left on device"):
        export_front(run, str(path))
    assert path.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"out.csv", "run"}


def test_the_report_says_front_knee_and_trades(result: FrontResult) -> None:
    out = console()
    with out.capture() as shown:
        out.print(front_report(result))
    text = shown.get()
    assert f"Front of {len(result.front)} designs between levelised cost and debris exposure" in text
    assert "At the knee" in text
    assert "more levelised cost buys" in text
    assert "less debris exposure" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (COST, "levelised cost"),
        ("deployment_years", "deployment"),
        ("capex_usd", "capex"),
        ("launched_mass_t", "launched mass"),
        (DEBRIS, "debris exposure"),
        ("delivered_pflops", "delivered pflops"),
    ],
)
def test_outcomes_are_spoken_without_their_units(name: str, words: str) -> None:
    assert spoken(name) == words


# The commands


@pytest.fixture
def small_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(study_of().to_yaml(), encoding="utf-8")
    return "small.yaml"


def test_pareto_and_export_from_the_command_line(small_study: str) -> None:
    done = CliRunner().invoke(pareto_command, [small_study, "--out", "here"], standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 0)
    assert "run folder: here" in done.output
    done = CliRunner().invoke(export_command, ["here", "--format", "csv"], standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 0)
    assert done.output.strip() == "here-front.csv"
    assert set(ENDINGS.values()) == {"csv", "parquet", "json", "xlsx", "netcdf", "png", "svg"}


def test_goals_can_be_named_on_the_command_line(small_study: str) -> None:
    arguments = [small_study, "--minimise", "capex_usd", "--maximise", "availability", "--out", "here", "--json"]
    done = CliRunner().invoke(pareto_command, arguments, standalone_mode=False)
    assert done.exception is None
    content = json.loads(done.stdout)
    assert [(g["sense"], g["outcome"]) for g in content["goals"]] == [
        ("minimise", "capex_usd"),
        ("maximise", "availability"),
    ]


def test_an_infeasible_front_ends_with_code_3(small_study: str) -> None:
    arguments = [small_study, "--set", "subject_to=[junction_temperature_k <= 200]", "--out", "here"]
    done = CliRunner().invoke(pareto_command, arguments, standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 3)
    assert "INFEASIBLE: no design found that meets every rule." in done.output
    content = json.loads(Path("here/front.json").read_text(encoding="utf-8"))
    assert (content["status"], content["points"]) == ("infeasible", [])


def test_a_front_cut_short_ends_with_code_4(small_study: str) -> None:
    done = CliRunner().invoke(
        pareto_command, [small_study, "--time-limit", "0.1", "--out", "here"], standalone_mode=False
    )
    assert (done.exception, done.return_value) == (None, 4)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--minimise", "lcoc_usd_per_pflops_hour"], "did you mean 'lcoc_usd_per_pflop_hour'"),
        (["--minimise", COST], "found 1 for kind pareto"),
        (["--spacing", "2"], r"front\.spacing"),
        (["--out", "small.yaml"], "found something that is not a folder"),
    ],
)
def test_bad_input_is_one_clear_error(small_study: str, arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(pareto_command, [small_study, *arguments], standalone_mode=False)
    assert isinstance(done.exception, DawnduskError)
    with pytest.raises(DawnduskError, match=says):
        raise done.exception


def test_a_contradicted_certificate_writes_nothing(small_study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def contradicted(*_: object) -> None:
        raise CertificateError("the certificate is wrong")

    monkeypatch.setattr(find, "_check", contradicted)
    done = CliRunner().invoke(pareto_command, [small_study, "--out", "here"], standalone_mode=False)
    assert isinstance(done.exception, CertificateError)
    assert not Path("here").exists()
