from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import dawndusk as dd
from dawndusk.studies.input.identity import problem_hash
from dawndusk.studies.run.design.runner import problem_of, run_design
from dawndusk.studies.run.folder import ledger
from dawndusk.studies.run.folder.ledger import Entry, LedgerError, entries, entry_of, folder_beside, proofs, record
from dawndusk.studies.run.folder.writing import RunFolderError, check_target, keep_run

MakeStudy = Callable[..., dd.Study]


@pytest.fixture(scope="module")
def evolved(small_study: MakeStudy) -> dd.RunResult:
    return run_design(small_study("search.engine=evolution"))


def cheaper(result: dd.RunResult, objective: float) -> dd.RunResult:
    return dataclasses.replace(result, result=dataclasses.replace(result.result, objective=objective))


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
    found = dataclasses.replace(certified.result, status="infeasible", objective=None, bound=None, design=None)
    keep_run(dataclasses.replace(certified, result=found), tmp_path / "one")
    with pytest.raises(dd.CertificateError, match=r"proved of .* that no design is feasible; but run two"):
        keep_run(evolved, tmp_path / "two")


def moved(result: dd.RunResult, study: dd.Study, objective: float, **changes: float) -> dd.RunResult:
    """Return the result of another study, whose design differs and is told to be that good."""
    found = dataclasses.replace(result.result, objective=objective, design=result.design.replace(**changes))
    return dataclasses.replace(result, study=study, result=found)


@pytest.mark.parametrize(
    ("items", "changes", "contradicts"),
    [
        (["design.altitude_km={low: 400, high: 1500}"], {}, True),
        (["subject_to=[capex_usd <= 1e12]"], {}, True),
        (["design.life_years=5"], {"life_years": 5.0}, False),
        (["design.altitude_km={low: 400, high: 1900}"], {"altitude_km": 1800.0}, False),
    ],
    ids=["narrower", "bounded", "another value", "outside the range"],
)
def test_a_design_of_another_study_beats_a_certificate_where_it_lies_within_it(
    items: list[str],
    changes: dict[str, float],
    contradicts: bool,
    certified: dd.RunResult,
    evolved: dd.RunResult,
    small_study: MakeStudy,
    tmp_path: Path,
) -> None:
    keep_run(certified, tmp_path / "one")
    other = moved(evolved, small_study("search.engine=evolution", *items), 13.0, **changes)
    if contradicts:
        with pytest.raises(dd.CertificateError, match=r"run one .* proved .* but run two .* has 13\.0"):
            keep_run(other, tmp_path / "two")
    else:
        keep_run(other, tmp_path / "two")


def test_a_certificate_of_narrow_bounds_says_nothing_of_a_design_that_breaks_them(
    certified: dd.RunResult, evolved: dd.RunResult, small_study: MakeStudy, tmp_path: Path
) -> None:
    bounded = small_study(f"subject_to=[capex_usd <= {evolved.outcome['capex_usd'] * 0.9!r}]")
    keep_run(dataclasses.replace(certified, study=bounded), tmp_path / "one")
    keep_run(cheaper(evolved, 13.0), tmp_path / "two")


def test_a_fleet_larger_than_the_demand_is_outside_a_proof_for_one_that_follows_it(
    certified: dd.RunResult, evolved: dd.RunResult, small_study: MakeStudy, tmp_path: Path
) -> None:
    assert certified.study.satellites_follow_demand
    keep_run(certified, tmp_path / "one")
    fleet = evolved.design.satellites
    free = small_study("search.engine=evolution", f"design.satellites={{low: 100, high: {fleet + 500}}}")
    keep_run(moved(evolved, free, 13.0, satellites=fleet + 100), tmp_path / "two")
    with pytest.raises(dd.CertificateError):
        keep_run(moved(evolved, free, 13.0), tmp_path / "three")


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
    assert len(proofs(beside, certified.study)) == 1
    assert len(entries(beside, small_study("design.life_years=5"))) == 1, "the same is asked, of other designs"
    assert proofs(beside, small_study("design.life_years=5")) == []
    assert entries(beside, small_study("assumptions.launch.programme_share=0.3")) == []
    monkeypatch.setattr(ledger, "model_version", lambda: "0.1.0+other")
    assert entries(beside, certified.study) == []
    assert not dataclasses.replace(entry_of(certified, tmp_path), proves=False).rules_out(
        entry_of(cheaper(evolved, 1.0), tmp_path), problem_of(certified.study)
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}'])
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
