from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import dawndusk as dd
from dawndusk.studies.runs import ledger
from dawndusk.studies.runs.ledger import Entry, LedgerError, entries, entry_of, folder_beside, record
from dawndusk.studies.runs.runfolder import RunFolderError, check_target, keep_run
from dawndusk.studies.runs.runner import problem_of, run_design
from dawndusk.studies.statement.identity import problem_hash

MakeStudy = Callable[..., dd.Study]


@pytest.fixture(scope="module")
def evolved(small_study: MakeStudy) -> dd.RunResult:
    return run_design(small_study("search.engine=evolution"))


def cheaper(result: dd.RunResult, objective: float) -> dd.RunResult:
    return dataclasses.replace(result, found=dataclasses.replace(result.found, objective=objective))


@pytest.mark.parametrize(
    ("overrides", "same"),
    [
        (["search.gap=0.5", "search.engine=milp", "search.seed=7", "name=other", "title=x"], True),
        (["design.altitude_km={low: 400, high: 1600, nominal: 900}"], True),
        (["design.array=[iii_v_rosa, silicon_flexible]"], True),
        (["design.life_years=5"], False),
        (["design.altitude_km={low: 400, high: 1500}"], False),
        (["assumptions.launch.programme_share=0.3"], False),
        (["demand.it_power_mw=100"], False),
        (["subject_to=[capex_usd <= 1e12]"], False),
        (["minimise=capex_usd"], False),
        (["workload=text_inference"], False),
    ],
)
def test_a_problem_is_what_decides_its_best_design(small_study: MakeStudy, overrides: list[str], same: bool) -> None:
    one, other = (problem_hash(problem_of(study)) for study in (small_study(), small_study(*overrides)))
    assert (one == other) == same


def test_a_certificate_is_kept_beside_the_run(certified: dd.RunResult, tmp_path: Path) -> None:
    keep_run(certified, tmp_path / "run")
    (path,) = (tmp_path / "certificates").iterdir()
    content = json.loads(path.read_text())
    assert Entry(**content) == entry_of(certified, tmp_path / "run")
    assert (content["bound"], content["objective"]) == (certified.bound, certified.objective)
    assert content["design"] == certified.design.to_dict()
    keep_run(certified, tmp_path / "run")
    assert len(list((tmp_path / "certificates").iterdir())) == 1, "the same run again is the same certificate"


def test_a_design_that_agrees_is_fine_and_kept_only_if_better(
    certified: dd.RunResult, evolved: dd.RunResult, tmp_path: Path
) -> None:
    keep_run(certified, tmp_path / "one")
    keep_run(evolved, tmp_path / "two")
    assert len(list((tmp_path / "certificates").iterdir())) == 1
    assert certified.objective is not None
    keep_run(cheaper(evolved, certified.objective * (1 - 5e-4)), tmp_path / "three")
    assert len(list((tmp_path / "certificates").iterdir())) == 2


def test_a_later_design_that_beats_a_certificate_is_an_error_that_names_both(
    certified: dd.RunResult, evolved: dd.RunResult, tmp_path: Path
) -> None:
    keep_run(certified, tmp_path / "one")
    with pytest.raises(dd.CertificateError) as error:
        keep_run(cheaper(evolved, 13.0), tmp_path / "two")
    text = str(error.value)
    assert "run one (engine certified) proved of lcoc_usd_per_pflop_hour" in text
    assert f"that no design is better than {certified.bound!r}" in text
    assert f"{certified.objective!r}: {certified.design.to_dict()}" in text
    assert f"run two (engine evolution) has 13.0: {evolved.design.to_dict()}" in text
    assert not (tmp_path / "two").exists()


def test_a_later_certificate_that_an_earlier_design_beats_is_an_error(
    certified: dd.RunResult, evolved: dd.RunResult, tmp_path: Path
) -> None:
    keep_run(cheaper(evolved, 13.0), tmp_path / "one")
    with pytest.raises(dd.CertificateError, match=r"run two \(engine certified\) proved .* but run one .* has 13\.0"):
        keep_run(certified, tmp_path / "two")


def test_a_design_refutes_a_proof_of_infeasibility(
    certified: dd.RunResult, evolved: dd.RunResult, tmp_path: Path
) -> None:
    found = dataclasses.replace(certified.found, status="infeasible", objective=None, bound=None, design=None)
    keep_run(dataclasses.replace(certified, found=found), tmp_path / "one")
    with pytest.raises(dd.CertificateError, match=r"proved of .* that no design is feasible; but run two"):
        keep_run(evolved, tmp_path / "two")


def test_rounding_contradicts_nothing(certified: dd.RunResult, evolved: dd.RunResult, tmp_path: Path) -> None:
    keep_run(certified, tmp_path / "one")
    assert certified.bound is not None
    keep_run(cheaper(evolved, certified.bound * (1 - 5e-10)), tmp_path / "two")


def test_another_problem_another_model_and_a_failed_audit_count_for_nothing(
    certified: dd.RunResult,
    evolved: dd.RunResult,
    small_study: MakeStudy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep_run(certified, tmp_path / "one")
    beside = folder_beside(tmp_path / "one")
    assert len(entries(beside, certified.study)) == 1
    assert entries(beside, small_study("design.life_years=5")) == []
    monkeypatch.setattr(ledger, "model_version", lambda: "0.1.0+other")
    assert entries(beside, certified.study) == []
    assert not dataclasses.replace(entry_of(certified, tmp_path), proves=False).rules_out(
        entry_of(cheaper(evolved, 1.0), tmp_path)
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}'])
def test_a_damaged_certificate_is_named(certified: dd.RunResult, tmp_path: Path, text: str) -> None:
    keep_run(certified, tmp_path / "one")
    (path,) = (tmp_path / "certificates").iterdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LedgerError, match="found a certificate that can not be read"):
        entries(path.parent, certified.study)


def test_a_file_in_the_place_of_the_ledger_is_refused(certified: dd.RunResult, tmp_path: Path) -> None:
    (tmp_path / "certificates").write_text("x", encoding="utf-8")
    with pytest.raises(LedgerError, match="not a folder"):
        entries(tmp_path / "certificates", certified.study)
    with pytest.raises(LedgerError, match="can not be written"):
        record(entry_of(certified, tmp_path / "run"), [], tmp_path / "certificates")


def test_a_run_can_not_take_the_name_of_the_ledger(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="name of the folder of certificates"):
        check_target(tmp_path / "certificates")
