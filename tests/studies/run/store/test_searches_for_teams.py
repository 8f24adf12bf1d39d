from __future__ import annotations

from pathlib import Path
from typing import Any

from dawndusk.optimize.trials.samplers.population import PopulationSampler
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.trials.folder import read_begun
from dawndusk.studies.run.trials.questions import Asked
from dawndusk.studies.run.trials.result import evaluations, status
from dawndusk.studies.run.trials.runner import Where, ask, begin_told, resume, run_search, tell


def make_sampler(_: ResolvedStudy, __: Asked) -> PopulationSampler:
    return PopulationSampler(population=8)


def study(**search: Any) -> ResolvedStudy:
    settings = {"engine": "bayes", "evaluations": 6, "batch": 3, "warm_start": False, **search}
    design = {
        "accelerator": "tpu_v7",
        "accelerators_per_satellite": {"low": 100, "high": 140},
        "orbit": "dawn_dusk_sso",
        "altitude_km": {"low": 600, "high": 800},
        "radiator": "deployable_two_phase",
        "shielding_mm": 7,
        "array": "iii_v_rosa",
        "array_oversize": 1.05,
        "eclipse_ride_through": 0,
        "spare_fraction": 0.1,
        "optical_terminals": 2,
        "life_years": 6,
        "vehicle": "starship_v3",
        "launches_per_year": 80,
    }
    return study_from_mapping({"name": "team", "extends": "orbit-200mw", "design": design, "search": settings})


def test_two_run_folders_share_the_trials_on_a_server(tmp_path: Path, postgres_url: str) -> None:
    where = Where(storage=postgres_url.replace("dawndusk@", "dawndusk:secret@"))
    first = run_search(study(), tmp_path / "one", make_sampler=make_sampler, where=where)
    other = run_search(study(evaluations=8), tmp_path / "two", make_sampler=make_sampler, where=where)
    assert (first.result.evaluated, other.result.evaluated) == (6, 2)
    assert other.to_frame()[:6].equals(first.to_frame())
    assert other.to_frame().equals(
        run_search(study(evaluations=8), tmp_path / "alone", make_sampler=make_sampler).to_frame()
    )
    assert all(b"secret" not in path.read_bytes() for path in (tmp_path / "one").iterdir())
    assert read_begun(tmp_path / "one").storage == postgres_url
    assert resume(tmp_path / "one", make_sampler=make_sampler).result.evaluated == 0
    assert status(tmp_path / "one", first.asked.question)["evaluated"] == 8
    assert evaluations(tmp_path / "one", first.asked).equals(other.to_frame())


def test_asked_here_and_told_there(tmp_path: Path, postgres_url: str) -> None:
    for name in ("here", "there"):
        begin_told(study(seed=9), tmp_path / name, postgres_url)
    asked = [
        *ask(tmp_path / "here", 1, make_sampler=make_sampler),
        *ask(tmp_path / "there", 1, make_sampler=make_sampler),
    ]
    assert asked[0]["point"] != asked[1]["point"]
    goal = {"lcoc_usd_per_pflop_hour": 2.0}
    told = tell(tmp_path / "there", [(item["number"], goal) for item in asked])
    assert [trial.number for trial in told] == [item["number"] for item in asked]
