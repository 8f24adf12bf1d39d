from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.trials.samplers.simple import RandomSampler
from dawndusk.studies.cli.fronts import export_command
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.output.exports import trials
from dawndusk.studies.output.exports.front import FrontExportError
from dawndusk.studies.output.exports.trials import export_trials
from dawndusk.studies.run.folder.reading import read_run
from dawndusk.studies.run.folder.writing import RunFolderError
from dawndusk.studies.run.trials.folder import read_begun, renew
from dawndusk.studies.run.trials.runner import ask, begin_told, run_search, tell

TRIALS = 24
COST, CAPITAL = "lcoc_usd_per_pflop_hour", "capex_usd"
STATED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "small_search.json").read_text())["design"]
DESIGN = {
    **{name: entry for name, entry in STATED.items() if name != "array"},
    "shielding_mm": {"low": 9, "high": 16},
    "life_years": {"low": 4, "high": 5},
}
FORMULA = "=1+1"
PROGRAM = f"print('{{\"failed\": {json.dumps(FORMULA)}}}')"
Make = Callable[..., Path]


def asked(**changes: Any) -> dict[str, Any]:
    search = {"engine": "bayes", "evaluations": TRIALS, "batch": 8, "warm_start": False, **changes.pop("search", {})}
    return {"name": "exported", "extends": "orbit-200mw", "design": DESIGN, "search": search, **changes}


def run(folder: Path, **changes: Any) -> Path:
    return run_search(study_from_mapping(asked(**changes)), folder, make_sampler=lambda *_: RandomSampler()).folder


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("one") / "one")


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("several") / "several", kind="pareto", minimise=[COST, CAPITAL])


def netcdf(path: Path) -> pd.DataFrame:
    xarray = pytest.importorskip("xarray", reason="xarray is not installed")
    pytest.importorskip("h5netcdf", reason="h5netcdf is not installed")
    with xarray.open_dataset(path, engine="h5netcdf") as data:
        assert data[COST].attrs["units"] == "USD/PFLOP-hour"
        frame: pd.DataFrame = data.to_dataframe().reset_index(names="number")
    return frame


def xlsx(path: Path) -> pd.DataFrame:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    return pd.read_excel(path, sheet_name="trials", keep_default_na=False, na_values=[""])


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "csv": pd.read_csv,
    "parquet": pd.read_parquet,
    "json": lambda path: pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))["trials"]),
    "xlsx": xlsx,
    "nc": netcdf,
}


@pytest.mark.parametrize("name", READERS)
def test_every_format_has_every_trial_with_what_was_searched_and_found(one: Path, tmp_path: Path, name: str) -> None:
    if name in {"xlsx", "nc"}:
        pytest.importorskip("openpyxl" if name == "xlsx" else "h5netcdf", reason="a library of the extra is missing")
    exported = export_trials(one, str(tmp_path / f"out.{name}"))
    assert (exported.path, exported.left_out) == (tmp_path / f"out.{name}", "")
    expected, read = pd.read_parquet(one / "evaluations.parquet"), READERS[name](exported.path)
    assert {*expected.columns, "best"} == set(read.columns)
    for column in ("number", "altitude_km", COST, "violation"):
        assert read[column].to_numpy(dtype=float) == pytest.approx(expected[column].to_numpy(dtype=float), rel=1e-12)
    assert list(read["state"]) == list(expected["state"])


def test_the_best_trials_are_marked(one: Path, several: Path, tmp_path: Path) -> None:
    alone = pd.read_parquet(export_trials(one, str(tmp_path / "one.parquet")).path)
    optimum = json.loads((one / "optimum.json").read_text(encoding="utf-8"))
    assert list(alone["number"][alone["best"]]) == [optimum["number"]]
    both = pd.read_parquet(export_trials(several, str(tmp_path / "several.parquet")).path)
    front = json.loads((several / "front.json").read_text(encoding="utf-8"))["points"]
    assert sorted(both["number"][both["best"]]) == sorted(point["number"] for point in front)


def test_a_workbook_has_the_best_trials_as_far_as_they_fit_and_says_so(
    several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    whole = pd.read_parquet(export_trials(several, str(tmp_path / "all.parquet")).path)
    fitting = int(whole["best"].sum()) + 2
    monkeypatch.setattr(trials, "MOST_CELLS", fitting * len(whole.columns))
    exported = export_trials(several, str(tmp_path / "out.xlsx"))
    assert exported.left_out.startswith(f"the best {fitting} of {TRIALS} trials; csv")
    read = xlsx(exported.path)
    assert len(read) == fitting and set(whole["number"][whole["best"]]) <= set(read["number"])
    columns = openpyxl.load_workbook(exported.path)["columns"]
    assert exported.left_out in str(list(columns.values)[-1][2])


def test_words_of_an_evaluator_are_text_and_never_a_formula(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    script = tmp_path / "fail.py"
    script.write_text(PROGRAM, encoding="utf-8")
    program = {"command": [sys.executable, "-I", "-S", str(script)], "screen": False, "retries": 0}
    folder = run(tmp_path / "run", search={"evaluator": program, "evaluations": 2, "batch": 2})
    sheet = openpyxl.load_workbook(export_trials(folder, str(tmp_path / "out.xlsx")).path)["trials"]
    header, first, *_ = list(sheet.rows)
    cell = first[[c.value for c in header].index("words")]
    assert (cell.data_type, cell.value) == ("s", f"'{FORMULA}")


def test_a_search_that_has_not_ended_is_exported_from_its_store(one: Path, tmp_path: Path) -> None:
    expected = pd.read_parquet(one / "evaluations.parquet")
    begun = read_begun(one)
    manifest = (one / "manifest.json").read_bytes()
    renew(one, begun.study, begun.storage)
    try:
        read = pd.read_parquet(export_trials(one, str(tmp_path / "out.parquet")).path)
    finally:
        (one / "manifest.json").write_bytes(manifest)
    pd.testing.assert_frame_equal(read.drop(columns="best"), expected)


def test_answers_that_are_told_are_exported_and_a_report_says_what_there_is(tmp_path: Path) -> None:
    folder = tmp_path / "told"
    program = {"command": ["true"], "screen": False}
    begin_told(study_from_mapping(asked(search={"evaluator": program, "sampler": "random"})), folder)
    first, _ = ask(folder, 2)
    tell(folder, [(first["number"], {COST: 9.0})])
    read = pd.read_csv(export_trials(folder, str(tmp_path / "out.csv")).path)
    assert list(read["state"]) == ["complete", "pending"] and list(read[COST].dropna()) == [9.0]
    with pytest.raises(RunFolderError, match=r"allowed: dawndusk status .* and dawndusk export .* told from outside"):
        read_run(folder)


def test_the_picture_is_of_the_front_and_one_goal_has_none(one: Path, several: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    assert b"<svg" in export_trials(several, str(tmp_path / "front.svg")).path.read_bytes()
    with pytest.raises(FrontExportError, match="one goal, which has no front to draw; allowed: csv"):
        export_trials(one, str(tmp_path / "front.svg"))
    assert not (tmp_path / "one.svg").exists()


@pytest.mark.parametrize("damage", ["format", "table"])
def test_what_can_not_be_read_is_refused(one: Path, tmp_path: Path, damage: str) -> None:
    table = one / "evaluations.parquet"
    kept = table.read_bytes()
    try:
        if damage == "table":
            table.write_bytes(b"nothing")
        with pytest.raises(DawnduskError, match=r"did you mean 'csv'|evaluations.parquet: can not be read"):
            export_trials(one, "cvs" if damage == "format" else str(tmp_path / "out.csv"))
    finally:
        table.write_bytes(kept)


def test_the_command_exports_trials_and_says_on_the_error_stream_what_is_left_out(
    one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    monkeypatch.setattr(trials, "MOST_CELLS", 1000)
    path = tmp_path / "out.xlsx"
    assert export_command.main([str(one), "--format", str(path)], standalone_mode=False) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{path}\n" and f"of {TRIALS} trials" in shown.err
    assert np.isfinite(xlsx(path)[COST].astype(float)).all()
