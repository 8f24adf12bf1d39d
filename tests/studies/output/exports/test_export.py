from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.studies.run.design.milp_model import ExportError, export_model

MakeStudy = Callable[..., dd.Study]


@pytest.mark.parametrize("name", ["model.lp", "model.mps"])
def test_a_model_is_written_for_any_solver(small_study: MakeStudy, tmp_path: Path, name: str) -> None:
    written = export_model(small_study(), tmp_path / name)
    text = (tmp_path / name).read_text()
    assert "altitude_km" in text
    assert (written.combinations, written.combination["array"]) == (2, "silicon_flexible")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["model.txt", "model", "missing/model.lp", "folder.lp", "a\0.lp"])
def test_a_file_that_can_not_be_is_refused(small_study: MakeStudy, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.lp").mkdir()
    with pytest.raises(ExportError, match=r"allowed: |can not be written"):
        export_model(small_study(), tmp_path / name)


def test_the_model_in_python(small_study: MakeStudy) -> None:
    model = dd.milp_model(small_study(), {"array": "iii_v_rosa"})
    assert {"column", "row", "rule", "quantity", "score"} <= set(model.component_map())


@pytest.mark.parametrize(
    ("combination", "message"),
    [
        ({"aray": "iii_v_rosa"}, "found 'aray'; .*did you mean 'array'"),
        ({"array": "iii_v_roza"}, "found 'iii_v_roza'; .*did you mean 'iii_v_rosa'"),
        ({"array": "cdte_thin_film"}, "allowed silicon_flexible, iii_v_rosa"),
        ("iii_v_rosa", "found 'iii_v_rosa'; allowed a mapping"),
    ],
)
def test_a_combination_that_the_study_does_not_have_is_refused(
    small_study: MakeStudy, combination: Any, message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        dd.milp_model(small_study(), combination)


def test_what_has_no_model_is_refused(small_study: MakeStudy) -> None:
    with pytest.raises(ExportError, match="found ground"):
        dd.milp_model("ground-only")
    with pytest.raises(ExportError, match="no mixed-integer model"):
        dd.milp_model(small_study("design.optical_terminals=0"))
    with pytest.raises(dd.DawnduskError, match=r"give them to load\(\)"):
        dd.milp_model(small_study(), overrides=["design.life_years=5"])
