"""The HTTP interface: what it answers, and how it refuses."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.models.outcome import OUTCOMES
from dawndusk.studies.input.files import library_path
from dawndusk.studies.input.studyfile import study_from_mapping

pytest.importorskip("fastapi")
testclient = pytest.importorskip("starlette.testclient")

from dawndusk.studies.web.app import create_app  # noqa: E402 (what it is tested with comes first)
from dawndusk.studies.web.guard import Guard  # noqa: E402
from dawndusk.studies.web.jobs import Jobs  # noqa: E402
from dawndusk.studies.web.workspace import Workspace  # noqa: E402

RUN = "small-run"


@pytest.fixture
def client(folder: Path, jobs: Jobs) -> Iterator[Any]:
    app = create_app(Workspace(folder), jobs, most_seconds=600.0)
    with testclient.TestClient(Guard(app), base_url="http://localhost", raise_server_exceptions=False) as made:
        yield made


def test_studies_and_runs_are_listed(client: Any) -> None:
    studies = {one["name"] for one in client.get("/api/studies").json()}
    assert {"orbit-200mw", "falcon9-today"} <= studies and "ground-only" not in studies
    runs = client.get("/api/runs").json()
    assert [(run["name"], run["status"]) for run in runs] == [(RUN, "optimal")]


def test_an_unfinished_or_damaged_run_is_listed_with_its_reason(client: Any, folder: Path) -> None:
    (folder / "half").mkdir()
    (folder / "half" / "manifest.json").write_text("{", encoding="utf-8")
    found = {run["name"]: run for run in client.get("/api/runs").json()}
    assert "can not be read" in found["half"]["error"] and found[RUN]["status"] == "optimal"


def test_a_base_says_what_can_be_changed(client: Any) -> None:
    about = client.get("/api/base", params={"run": RUN}).json()
    variables = {one["name"]: one for one in about["variables"]}
    assert variables["altitude_km"]["low"] == 400 and variables["satellites"]["follows_demand"]
    assert about["objective"] == "lcoc_usd_per_pflop_hour" and len(about["moves_most"]) == 8
    beliefs = {one["key"]: one for one in about["beliefs"]}
    assert beliefs["power.pmad_efficiency"]["source"] and set(about["moves_most"]) <= set(beliefs)


def test_an_evaluation_is_that_of_the_model(client: Any) -> None:
    asked = {"study": "orbit-200mw", "design": {"altitude_km": 700}, "assumptions": {"launch.programme_share": 0.3}}
    found = client.post("/api/evaluate", json=asked).json()
    study = dd.load("orbit-200mw", ["assumptions.launch.programme_share=0.3"])
    other = study.evaluate(study.nominal_design().replace(altitude_km=700.0))
    assert found["design"] == other.design.to_dict()
    assert found["outcome"] == pytest.approx(dict(other.outcome))
    assert found["feasible"] == other.feasible
    assert {one["name"]: one["margin"] for one in found["limits"]} == pytest.approx(
        {limit.name: limit.margin for limit in other.limits}
    )


def test_a_run_begins_with_its_best_design_and_keeps_its_bounds(client: Any, certified: dd.RunResult) -> None:
    found = client.post("/api/evaluate", json={"run": RUN, "pictures": True}).json()
    assert found["design"] == certified.design.to_dict()
    assert found["outcome"]["capex_usd"] == certified.outcome["capex_usd"]
    assert {"ground", "satellite", "mass", "power", "capital", "levelised", "compute"} == set(found["pictures"])


def test_a_study_may_be_sent_and_satellites_follow_its_demand(client: Any) -> None:
    small = client.post("/api/evaluate", json={"study": {"name": "sent", "extends": "orbit-200mw"}}).json()
    sent = {"name": "sent", "extends": "orbit-200mw", "demand": {"it_power_mw": 400}}
    assert (
        client.post("/api/evaluate", json={"study": sent}).json()["design"]["satellites"]
        > small["design"]["satellites"]
    )
    stated = client.post("/api/evaluate", json={"study": sent, "design": {"satellites": 7}}).json()
    assert stated["design"]["satellites"] == 7 and not stated["feasible"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "found both or neither"),
        ({"run": RUN, "study": "orbit-200mw"}, "found both or neither"),
        ({"run": RUN, "desing": {}}, "desing"),
        ({"run": RUN, "design": {"altitude": 1}}, "did you mean 'altitude_km'"),
        ({"run": RUN, "design": {"altitude_km": 1e9}}, "allowed 400 to 2000 km"),
        ({"run": RUN, "design": {"altitude_km": "high"}}, "expected a number"),
        ({"run": RUN, "design": {"vehicle": "starship_v9"}}, "did you mean 'starship_v"),
        ({"run": RUN, "assumptions": {"power.pmad_eficiency": 0.9}}, "did you mean 'power.pmad_efficiency'"),
        ({"run": RUN, "assumptions": {"power.pmad_efficiency": 7}}, "power.pmad_efficiency"),
        (
            {"run": RUN, "assumptions": {"platform.structure_fraction": 0.6, "platform.margin_fraction": 0.5}},
            "at most 0.9",
        ),
        ({"run": RUN, "workload": "trainin"}, "did you mean 'training'"),
        ({"study": {"extends": "/etc/passwd"}}, "allowed over HTTP"),
        ({"study": {"extends": "../secret.yaml"}}, "allowed over HTTP"),
        (
            {"study": {"extends": "falcon9-today", "search": {"evaluator": {"command": "touch /tmp/x"}}}},
            "search.evaluator",
        ),
        ({"study": {"extends": "falcon9-today", "search": {"storage": "sqlite:///x"}}}, "search.storage"),
        ({"study": {"extends": "falcon9-today", "nonsense": 1}}, "nonsense"),
        ({"study": "ground-only"}, "which has no design"),
    ],
)
def test_what_can_not_be_evaluated_is_refused_in_words(client: Any, asked: dict[str, Any], words: str) -> None:
    found = client.post("/api/evaluate", json=asked)
    assert found.status_code == 422
    assert words in found.json()["error"]


@pytest.mark.parametrize(
    "name", ["nowhere", "..", "../secret", "%2e%2e%2fsecret", "small-run/..", "\u202e", "x" * 3000]
)
def test_nothing_outside_the_folder_is_reached(client: Any, folder: Path, name: str) -> None:
    (folder.parent / "secret").mkdir()
    quoted = name.replace("%", "%25").replace(".", "%2e").replace("/", "%2f")
    for path in (f"/api/runs/{quoted}", f"/api/runs/{quoted}/export", f"/assets/{quoted}"):
        found = client.get(path)
        assert found.status_code in {404, 405} or found.text == client.get("/").text, path
    assert client.post("/api/evaluate", json={"run": name}).status_code == 404


def test_a_link_in_the_folder_is_not_followed(client: Any, folder: Path, finished: Path) -> None:
    (folder / "linked").symlink_to(finished)
    assert [run["name"] for run in client.get("/api/runs").json()] == [RUN]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"run": 7}', "[" * 5000, '{"run": "\\ud800"}', "\x00"])
def test_malformed_bodies_are_refused_and_the_server_stays_up(client: Any, body: str) -> None:
    found = client.post("/api/evaluate", content=body.encode(), headers={"content-type": "application/json"})
    assert found.status_code in {400, 404, 422} and found.json()["error"]
    assert client.get("/api/runs").status_code == 200


def test_an_accident_is_one_answer_and_the_server_stays_up(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("dawndusk.studies.web.app.answer", fail)
    found = client.post("/api/evaluate", json={"run": RUN})
    assert found.status_code == 500 and "secret" not in found.text
    assert client.get("/api/runs").status_code == 200


def test_a_figure_is_explained_down_to_its_sources(client: Any) -> None:
    found = client.post("/api/explain", json={"run": RUN, "metric": "wet_mass_kg"}).json()
    assert found["figures"]["wet_mass_kg"]["reads"]
    assert any(one["kind"] == "row" and one["sources"] for one in found["figures"].values())
    wrong = client.post("/api/explain", json={"run": RUN, "metric": "wet_mass"})
    assert wrong.status_code == 422 and "did you mean 'wet_mass_kg'" in wrong.json()["error"]


def test_what_is_seen_can_be_taken_along(client: Any) -> None:
    asked = {"run": RUN, "design": {"altitude_km": 700.0}, "assumptions": {"launch.programme_share": 0.3}}
    seen = client.post("/api/evaluate", json=asked).json()
    as_json = client.post("/api/export?format=json", json=asked)
    assert as_json.json()["outcome"] == seen["outcome"]
    assert "attachment" in as_json.headers["content-disposition"]
    table = {
        row["name"]: row for row in csv.DictReader(io.StringIO(client.post("/api/export?format=csv", json=asked).text))
    }
    assert float(table["capex_usd"]["value"]) == seen["outcome"]["capex_usd"] and set(OUTCOMES) <= set(table)
    assert client.post("/api/export?format=xml", json=asked).status_code == 422


def test_the_exported_study_file_gives_what_was_seen(client: Any, tmp_path: Path) -> None:
    asked = {"run": RUN, "design": {"altitude_km": 700.0}, "assumptions": {"launch.programme_share": 0.3}}
    seen = client.post("/api/evaluate", json=asked).json()
    (tmp_path / "seen.yaml").write_text(client.post("/api/export?format=yaml", json=asked).text, encoding="utf-8")
    assert dict(dd.load(tmp_path / "seen.yaml").evaluate().outcome) == pytest.approx(seen["outcome"])


@pytest.mark.parametrize("kind", ["html", "json", "csv", "yaml"])
def test_a_run_can_be_taken_along(client: Any, kind: str, certified: dd.RunResult) -> None:
    found = client.get(f"/api/runs/{RUN}/export", params={"format": kind})
    assert found.status_code == 200 and f"{RUN}.{kind}" in found.headers["content-disposition"]
    if kind == "json":
        assert found.json()["objective"] == certified.objective
    if kind == "yaml":
        assert study_from_mapping(certified.study.resolved).hash == certified.study.hash
        assert found.text == certified.study.to_yaml()


def test_a_plan_is_listed_shown_and_reported(client: Any, folder: Path) -> None:
    content = dict.fromkeys(("objective", "bound", "gap", "summary")) | {"study": "p", "status": "unknown"}
    content |= {"objective_name": "cost", "units": "USD"}
    (folder / "a-plan").mkdir()
    (folder / "a-plan" / "plan.json").write_text(json.dumps(content), encoding="utf-8")
    study = library_path("plan-kuiper-class").read_text(encoding="utf-8")
    (folder / "a-plan" / "study.yaml").write_text(study, encoding="utf-8")
    (folder / "broken").mkdir()
    (folder / "broken" / "plan.json").write_text("{", encoding="utf-8")
    listed, broken = client.get("/api/plans").json()
    assert (listed["name"], listed["status"], listed["objective"]) == ("a-plan", "unknown", None)
    assert "can not be read" in broken["error"]
    assert client.get("/api/plans/a-plan").json() == content
    assert "No plan was found" in client.get("/api/plans/a-plan/report").text
    assert "did you mean 'a-plan'" in client.get("/api/plans/a-pla").json()["error"]


def test_a_run_without_a_front_says_so(client: Any) -> None:
    found = client.get(f"/api/runs/{RUN}/front")
    assert found.status_code == 404 and "found no front" in found.json()["error"]
    assert client.get(f"/api/runs/{RUN}").json()["optimum"]["status"] == "optimal"


def test_runs_are_compared(client: Any) -> None:
    found = client.post("/api/compare", json={"runs": [RUN, RUN], "metric": "capex_usd"}).json()
    assert found["differences"][RUN]["difference"] == 0.0
    assert client.post("/api/compare", json={"runs": [RUN]}).status_code == 422


def test_the_page_and_all_that_it_asks_for_are_there(client: Any) -> None:
    page = client.get("/").text
    for line in page.splitlines():
        for quote in ('src="', 'href="/assets'):
            if quote in line:
                path = line.split(quote.split("/")[0])[1].split('"')[0]
                assert client.get(path).status_code == 200, path
    assert "http" not in page


def test_the_interface_describes_itself(client: Any) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/evaluate", "/api/jobs", "/api/jobs/{name}/events", "/api/runs/{name}/front", "/api/export"} <= set(
        paths
    )
    for path in paths.values():
        for operation in path.values():
            assert operation["description"]


def test_a_search_is_asked_for_and_followed(client: Any, quick_study: dict[str, Any]) -> None:
    asked = {"study": quick_study, "assumptions": {"launch.programme_share": 0.9, "demand.it_power_mw": 100}}
    job = client.post("/api/jobs", json=asked)
    assert job.status_code == 202
    with client.stream("GET", f"/api/jobs/{job.json()['id']}/events") as stream:
        events = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]
    last = json.loads(events[-1])
    assert last["state"] == "done" and json.loads(events[-2])["status"] == "feasible"
    found = client.get(f"/api/runs/{last['run']}").json()
    assert found["study"]["assumptions"]["launch"]["programme_share"] == 0.9
    assert found["study"]["demand"]["it_power_mw"] == 100
    assert client.get("/api/jobs").json()[0]["run"] == last["run"]
    assert client.get(f"/api/jobs/{last['id']}").json()["last"]["stage"] == "ended"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"search": {"storage": "x"}}, "allowed over HTTP"),
        ({"search": {"gapp": 1}}, "did you mean 'gap'"),
        ({"search": {"gap": 7}}, "gap"),
        ({"search": {"time_limit_s": 1e5}}, "up to 600"),
        ({"search": {"engine": "bayes"}}, "goes by trials"),
        ({"space": {"altitude_km": {"low": 900, "high": 500}}}, "altitude_km"),
        ({"subject_to": ["capex <= 1"]}, "did you mean"),
        ({"assumptions": {"power.nothing": 1.0}}, "power.nothing"),
        ({"assumptions": {"": 1.0}}, "allowed"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(client: Any, changes: dict[str, Any], words: str) -> None:
    found = client.post("/api/jobs", json={"study": "falcon9-today", **changes})
    assert found.status_code == 422 and words in found.json()["error"]
    assert client.get("/api/jobs").json() == []


def test_a_job_that_is_none_is_refused(client: Any) -> None:
    assert client.get("/api/jobs/nothing").status_code == 404
    assert client.delete("/api/jobs/nothing").status_code == 404
    assert client.get("/api/jobs/nothing/events").status_code == 404
