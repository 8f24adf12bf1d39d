from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.optimize import solve
from dawndusk.studies.output.folders.plan import write_plan
from dawndusk.studies.run.design.runner import run_design
from dawndusk.studies.run.folder.writing import MANIFEST, STUDY, origin, write_json, write_run
from dawndusk.studies.run.front.runner import FRONT_JSON
from dawndusk.studies.run.plan.reading import read_plan
from dawndusk.studies.run.plan.result import PlanResult
from dawndusk.studies.run.plan.runner import run_plan

Folder = Callable[..., Path]

HOSTILE = "</title></script><script>alert('x')</script><img src=x onerror=alert(1)> \u202eevil & \"quoted\" "


@pytest.fixture(scope="session")
def make_run(small_study: Callable[..., dd.Study], tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Run the small study with changes and return the run folder."""

    def make(name: str, *overrides: str, explain: bool = False, **study: object) -> Path:
        folder = tmp_path_factory.mktemp("runs") / name
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(solve, "EXPLAINING_S", 0.5)
            return write_run(run_design(small_study(*overrides, **study), explain=explain), folder)

    return make


@pytest.fixture(scope="session")
def run_folder(make_run: Folder) -> Path:
    """A certified run that explains itself."""
    return make_run("certified", explain=True)


@pytest.fixture(scope="session")
def dearer_folder(make_run: Folder) -> Path:
    """The same with a dearer launch and cheaper money."""
    return make_run(
        "dearer",
        "assumptions.vehicles.starship_v3.price_usd=300e6",
        "assumptions.scenario.discount_rate=0.12",
        "search.engine=evolution",
        "search.designs=20000",
    )


@pytest.fixture(scope="session")
def infeasible_folder(make_run: Folder) -> Path:
    """A run that has no design."""
    return make_run("infeasible", "subject_to=[capex_usd <= 1e6]", explain=True)


@pytest.fixture(scope="session")
def hostile_folder(make_run: Folder) -> Path:
    """A run whose texts try to become part of the page."""
    return make_run(
        "hostile", "search.engine=evolution", "search.designs=20000", title=HOSTILE * 20, description=HOSTILE
    )


@pytest.fixture(scope="session")
def front_folder(small_study: Callable[..., dd.Study], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a front with five designs, written as such runs write theirs."""
    study = small_study()
    designs = [study.evaluate(altitude_km=500.0 + 50.0 * i, radiator_area_m2=300.0 + 10.0 * i) for i in range(5)]
    goals = ("lcoc_usd_per_pflop_hour", "dose_krad_life")
    points = [
        {
            "point": number,
            "knee": number == 3,
            "goals": {goal: one.outcome[goal] for goal in goals},
            "bound": None,
            "design": one.design.to_dict(),
            "outcome": dict(one.outcome),
        }
        for number, one in enumerate(designs, 1)
    ]
    end = {"outcome": goals[0], "status": "feasible", "value": points[0]["goals"][goals[0]], "bound": None, "gap": None}  # type: ignore[index]
    content = {
        "study": study.name,
        "status": "feasible",
        "goals": [{"outcome": goal, "sense": "minimise", "units": "-"} for goal in goals],
        "seed": 1,
        "spacing_asked": 0.02,
        "widest_gap": 0.3,
        "evaluated_designs": 5,
        "seconds": 0.1,
        "stopped_by": "completion",
        "ends": [end],
        "knees": [3],
        "exchanges": [{"give": goals[0], "gain": goals[1], "from": 3, "to": 4, "given": 1.0, "gained": 2.0}],
        "points": points,
    }
    folder = tmp_path_factory.mktemp("fronts") / "front"
    folder.mkdir()
    (folder / STUDY).write_text(study.to_yaml(), encoding="utf-8")
    write_json(folder / FRONT_JSON, content)
    (folder / MANIFEST).write_text(json.dumps({**origin(study), "status": "feasible"}), encoding="utf-8")
    return folder


SMALL: dict[str, Any] = json.loads((Path(__file__).parents[2] / "small_plan.json").read_text())
PLAN: dict[str, Any] = {
    **SMALL["plan"],
    "last_year": 2031,
    "gap": 0.05,
    "vehicles": {"starship_v3": {}},
    "ground": {"accelerators": ["tpu_v7"], "mw_per_year": 1},
    "demand": {"delivered_pflops": {"2029": 300, "2031": 3000}},
}


@pytest.fixture(scope="session")
def make_planned() -> Callable[..., PlanResult]:
    """Solve a small plan with changes."""

    def make(name: str, *overrides: str) -> PlanResult:
        asked = {**SMALL, "name": name, "plan": PLAN}
        return run_plan(read_plan(asked, overrides), explain=False)

    return make


@pytest.fixture(scope="session")
def make_plan(make_planned: Callable[..., PlanResult], tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Solve a small plan with changes and return its folder."""

    def make(name: str, *overrides: str) -> Path:
        return write_plan(make_planned(name, *overrides), tmp_path_factory.mktemp("plans") / name, pictures=False)

    return make


@pytest.fixture(scope="session")
def plan_folder(make_plan: Folder) -> Path:
    """The folder of a small plan."""
    return make_plan("small-plan")


@pytest.fixture(scope="session")
def cheaper_plan_folder(make_plan: Folder) -> Path:
    """The same with cheaper launches, a higher cost of money and less demand."""
    return make_plan(
        "cheaper-plan",
        "assumptions.vehicles.starship_v3.price_usd=30e6",
        "assumptions.scenario.discount_rate=0.12",
        "plan.demand.delivered_pflops={2029: 300, 2031: 2000}",
    )
