from __future__ import annotations

import json
from pathlib import Path

import pytest

import dawndusk as dd
from dawndusk.models.design import Design
from dawndusk.studies.input.identity import model_version, problem_hash
from dawndusk.studies.run.design.certificates import certificate
from dawndusk.studies.run.design.runner import problem_of, run_design
from dawndusk.studies.run.folder.writing import CERTIFICATE, FILES, PROOF_FILES, write_run


def test_the_certificate_says_what_is_proved_and_of_what(certified: dd.RunResult, tmp_path: Path) -> None:
    folder = write_run(certified, tmp_path / "run")
    assert {path.name for path in folder.iterdir()} == FILES | {CERTIFICATE}
    content = json.loads((folder / CERTIFICATE).read_text())
    assert content == json.loads(json.dumps(certificate(certified)))
    for name in ("status", "objective", "bound", "gap", "boxes", "seconds", "seed", "stopped_by", "engine"):
        assert content[name] == getattr(certified, name), name
    assert content["problem_hash"] == problem_hash(problem_of(certified.study))
    assert (content["study_hash"], content["model"]) == (certified.study.hash, model_version())
    assert (content["gap_asked"], content["open_boxes"], content["combinations"]) == (1e-3, 0, 2)
    assert content["claim"].startswith("no design costs less than 14.2")
    assert content["audit"]["verdict"] == "passed"
    assert all(set(check) == {"name", "held", "tried", "words"} for check in content["audit"]["checks"])
    assert (content["second_bound"], Design(**content["design"])) == (None, certified.design)
    assert "double precision" in content["rests_on"]


def test_a_run_that_has_not_ended_keeps_its_open_boxes(unfinished: dd.RunResult, tmp_path: Path) -> None:
    folder = write_run(unfinished, tmp_path / "run")
    assert {path.name for path in folder.iterdir()} == FILES | PROOF_FILES
    content = json.loads((folder / CERTIFICATE).read_text())
    assert content["status"] == "feasible"
    assert content["open_boxes"] > 0
    assert content["audit"] == {"verdict": "not run", "checks": []}


def test_a_bound_of_the_mixed_integer_model_has_its_own_certificate(tmp_path: Path) -> None:
    items = ["search.engine=milp", "search.time_limit_s=2", "design.altitude_km=500"]
    result = run_design(dd.load("falcon9-today", items))
    content = certificate(result)
    assert content["second_bound"]["bound"] == content["bound"]
    assert {"stalled_at", "solver_words"} <= set(content["second_bound"])
    assert content["boxes"] is None
    assert "HiGHS" in content["rests_on"]
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_the_optimum_carries_the_verdict(certified: dd.RunResult, tmp_path: Path) -> None:
    optimum = json.loads((write_run(certified, tmp_path / "run") / "optimum.json").read_text())
    assert {
        key: optimum[key] for key in ("status", "objective", "bound", "gap", "boxes", "seconds", "seed", "audit")
    } == {
        "status": "optimal",
        "objective": certified.objective,
        "bound": certified.bound,
        "gap": certified.gap,
        "boxes": certified.boxes,
        "seconds": certified.seconds,
        "seed": 1,
        "audit": "passed",
    }


def test_a_heuristic_has_no_certificate(tmp_path: Path) -> None:
    result = run_design(dd.load("falcon9-today", ["search.engine=evolution", "search.time_limit_s=0.3"]))
    assert {path.name for path in write_run(result, tmp_path / "run").iterdir()} == FILES


def test_certify_in_python(certified: dd.RunResult, tmp_path: Path) -> None:
    study = certified.study
    assert isinstance(study, dd.Study)
    found = dd.certify(study, gap=0.01, audit=False, out=tmp_path / "run")
    assert (found.status, found.audit, found.study.search.gap) == ("optimal", "not run", 0.01)
    assert found.objective == pytest.approx(certified.objective, rel=0.01)
    assert found.to_dict()["bound"] == found.bound
    assert (tmp_path / "run" / CERTIFICATE).is_file()
    assert (found.explanation, found.conflict) == (None, None)
    assert list((tmp_path / "certificates").iterdir())
    again = dd.certify(study.resolved, 0.01, overrides=["design.life_years=5"], audit=False, seed=3)
    assert (again.design.life_years, again.seed) == (5, 3)


def test_certify_explains_where_asked(certified: dd.RunResult, tmp_path: Path) -> None:
    study = certified.study
    assert isinstance(study, dd.Study)
    found = dd.certify(study, gap=0.01, audit=False, explain=True, out=tmp_path / "run")
    assert found.explanation is not None
    kept = json.loads((tmp_path / "run" / "optimum.json").read_text())["explanation"]
    assert kept["near_optimal"] == json.loads(json.dumps(found.explanation.near_optimal.to_dict()))


def test_certify_refuses_what_is_no_search_for_one_design_before_it_searches() -> None:
    front = ["kind=pareto", "minimise=[capex_usd, lcoc_usd_per_pflop_hour]"]
    with pytest.raises(dd.DawnduskError, match="kind: found pareto; certify needs kind design"):
        dd.certify("falcon9-today", overrides=front)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gap": 0}, "search.gap: found 0"),
        ({"gap": "tight"}, "search.gap: found 'tight'"),
        ({"gap": float("nan")}, "search.gap"),
        ({"time_limit": 5}, "did you mean 'time_limit_s'"),
        ({"overrides": "abc"}, "overrides: found 'abc'"),
        ({"audit": "maybe"}, "search.audit"),
    ],
)
def test_misuse_of_certify_is_explained(options: dict[str, object], message: str) -> None:
    with pytest.raises(dd.DawnduskError, match=message):
        dd.certify("orbit-200mw", **options)  # type: ignore[arg-type]


def test_a_ground_study_has_nothing_to_certify(certified: dd.RunResult) -> None:
    with pytest.raises(dd.DawnduskError, match="ground"):
        dd.certify("ground-only")
    assert isinstance(certified.study, dd.Study)
    with pytest.raises(dd.DawnduskError, match=r"give them to load\(\)"):
        dd.certify(certified.study, overrides=["design.life_years=5"])
