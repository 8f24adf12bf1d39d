"""The application: the explorer's page and the HTTP interface behind it."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

import dawndusk
from dawndusk.models.design import VARIABLES
from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.models.outcome import OUTCOMES, known_outcome
from dawndusk.studies.lineage.attribution import ComparedCase, attribute
from dawndusk.studies.lineage.plan_run import read_plan
from dawndusk.studies.output.report.page import asset as report_asset
from dawndusk.studies.output.report.page import plan_report, plotly_script, report
from dawndusk.studies.run.folder.writing import finite
from dawndusk.studies.web import questions
from dawndusk.studies.web.evaluation import State, answer, described, explained, state_of
from dawndusk.studies.web.jobs import ENDED, BusyError, Jobs
from dawndusk.studies.web.workspace import Base, NotThereError, Workspace

NOT_FOUND, UNPROCESSABLE, TOO_MANY, FAILED, ACCEPTED = 404, 422, 429, 500, 202
MOST_SECONDS = 3600.0
"""Longest search that may be asked for over HTTP, unless the server is told otherwise."""
POLL_S = 0.2
QUIET_S = 15.0
"""A stream without news says so this often, so that a browser that has gone is noticed."""
TYPES = {"js": "text/javascript", "css": "text/css"}
ASSETS = {
    "explorer.js": "web",
    "explorer.css": "web",
    "charts.js": "report",
    "page.css": "report",
    "trees.js": "report",
    "front.js": "report",
    "plotly.js": "plotly",
}
RUN_FORMATS = ("html", "json", "csv", "yaml")
STATE_FORMATS = ("json", "csv", "yaml")


def create_app(workspace: Workspace, jobs: Jobs, *, most_seconds: float = MOST_SECONDS) -> FastAPI:
    """Return the application over a workspace and its jobs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        jobs.start()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(jobs.close)

    app = FastAPI(
        title="dawndusk",
        version=dawndusk.__version__,
        description="Evaluate, optimise and explain designs of orbital AI data centres.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    _add_errors(app)
    _add_pages(app)
    _add_model(app, workspace)
    _add_runs(app, workspace)
    _add_jobs(app, workspace, jobs, most_seconds)
    return app


def _add_errors(app: FastAPI) -> None:
    """Have every error end in one JSON object with the sentence of the error."""

    @app.exception_handler(DawnduskError)
    def misuse(_: Request, error: DawnduskError) -> JSONResponse:
        status = NOT_FOUND if isinstance(error, NotThereError) else UNPROCESSABLE
        return JSONResponse({"error": str(error)}, TOO_MANY if isinstance(error, BusyError) else status)

    @app.exception_handler(RequestValidationError)
    def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        words = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        return JSONResponse({"error": "; ".join(words)}, UNPROCESSABLE)

    @app.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    def unexpected(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": f"the server failed on this request ({type(error).__name__})"}, FAILED)


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def explorer() -> HTMLResponse:
        return HTMLResponse(_own_asset("explorer.html"))

    @app.get("/assets/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        owner = ASSETS.get(name)
        if owner is None:
            raise NotThereError(f"asset: found {name!r}; allowed: {one_of(ASSETS)}")
        readers: dict[str, Callable[[str], str]] = {"web": _own_asset, "report": report_asset, "plotly": _drawing}
        return Response(readers[owner](name), media_type=TYPES[name.rpartition(".")[2]])


def _drawing(_: str) -> str:
    return plotly_script()


def _own_asset(name: str) -> str:
    return (resources.files("dawndusk.studies.web") / "assets" / name).read_text(encoding="utf-8")


def _state(workspace: Workspace, asked: questions.Based) -> State:
    base = workspace.base(study=asked.study, run=asked.run)
    return state_of(base, asked.design, asked.assumptions, asked.workload)


def _add_model(app: FastAPI, workspace: Workspace) -> None:
    @app.get("/api/studies")
    def studies() -> list[dict[str, str]]:
        """Return the studies that can be explored."""
        return workspace.studies()

    @app.get("/api/base")
    def base(study: str | None = None, run: str | None = None) -> dict[str, Any]:
        """Return the variables, beliefs and outcomes of a study or a run, with ranges, units and meanings."""
        return described(workspace.base(study=study, run=run))

    @app.post("/api/evaluate")
    def evaluate(asked: questions.Evaluate) -> dict[str, Any]:
        """Evaluate one design: outcomes, rules with margins, and figures where asked for."""
        return answer(_state(workspace, asked), pictures=asked.pictures)

    @app.post("/api/explain")
    def explain(asked: questions.Explain) -> dict[str, Any]:
        """Return what a figure is made of, down to data rows with their sources."""
        return explained(_state(workspace, asked), asked.metric)

    @app.post("/api/export")
    def export(asked: questions.Evaluate, format: Annotated[str, Query()] = "json") -> Response:
        """Return a design with its outcomes as JSON or CSV, or as a study file."""
        if format not in STATE_FORMATS:
            raise DawnduskError(
                f"format: found {format!r}; allowed: {one_of(STATE_FORMATS)}{nearest(format, STATE_FORMATS)}"
            )
        state = _state(workspace, asked)
        if format == "yaml":
            study = questions.changed_study(state.base.study, state.design.to_dict(), asked)
            return _file(study.to_yaml(), "study.yaml", "application/yaml")
        found = answer(state, pictures=False)
        if format == "json":
            return _file(json.dumps(found, indent=2), "evaluation.json", "application/json")
        return _file(_rows_of(found), "evaluation.csv", "text/csv")


def _check_format(name: str, allowed: tuple[str, ...]) -> None:
    if name not in allowed:
        raise DawnduskError(f"format: found {name!r}; allowed: {one_of(allowed)}{nearest(name, allowed)}")


def _file(text: str, name: str, kind: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=kind, headers=headers)


def _rows_of(found: dict[str, Any]) -> str:
    """Return design and outcomes as CSV: name, value, units, meaning."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("name", "value", "units", "meaning"))
    for name, value in found["design"].items():
        writer.writerow((f"design.{name}", value, VARIABLES[name].units, VARIABLES[name].meaning))
    for name, value in found["outcome"].items():
        writer.writerow((name, value, OUTCOMES[name].units, OUTCOMES[name].meaning))
    return text.getvalue()


def _add_runs(app: FastAPI, workspace: Workspace) -> None:
    @app.get("/api/runs")
    def runs() -> list[dict[str, Any]]:
        """Return the runs of the folder, newest first."""
        return workspace.runs()

    @app.get("/api/runs/{name}")
    def run(name: str) -> dict[str, Any]:
        """Return what a run found, as its optimum.json has it, with its manifest and its certificate."""
        content = _content(workspace.base(run=name))
        plain: dict[str, Any] = finite(
            {
                "name": name,
                "study": content.study.resolved,
                "optimum": content.optimum,
                "certificate": content.certificate,
                "manifest": content.manifest,
            }
        )
        return plain

    @app.get("/api/runs/{name}/front")
    def front(name: str) -> dict[str, Any]:
        """Return the front of a run of several goals."""
        found = _content(workspace.base(run=name)).front
        if found is None:
            raise NotThereError(f"run {name}: found no front; allowed: a run of several goals")
        plain: dict[str, Any] = finite(dict(found))
        return plain

    @app.get("/api/plans")
    def plans() -> list[dict[str, Any]]:
        """Return the plans of the folder: how each ended, its objective and what is proved of it."""
        return [_listed_plan(name, folder) for name, folder in workspace.plans().items()]

    @app.get("/api/plans/{name}")
    def plan(name: str) -> dict[str, Any]:
        """Return a plan over years, as its plan.json has it."""
        plain: dict[str, Any] = finite(read_plan(workspace.plan_folder(name)))
        return plain

    @app.get("/api/plans/{name}/report")
    def plan_page(name: str) -> Response:
        """Return the report of a plan as one HTML file."""
        return _file(plan_report(workspace.plan_folder(name)), f"{name}.html", "text/html")

    @app.get("/api/runs/{name}/export")
    def export(name: str, format: Annotated[str, Query()] = "html") -> Response:
        """Return a run as a report, its optimum as JSON, its candidates as CSV, or its study file."""
        if format not in RUN_FORMATS:
            raise DawnduskError(
                f"format: found {format!r}; allowed: {one_of(RUN_FORMATS)}{nearest(format, RUN_FORMATS)}"
            )
        base, folder = workspace.base(run=name), workspace.run_folder(name)
        if format == "html" and base.subject is not None:
            return _file(report(base.subject), f"{name}.html", "text/html")
        if format == "yaml":
            return _file(base.study.to_yaml(), f"{name}.yaml", "application/yaml")
        if format == "csv":
            return _file(_text(folder / "designs.csv"), f"{name}.csv", "text/csv")
        return _file(json.dumps(finite(dict(_content(base).optimum)), indent=2), f"{name}.json", "application/json")

    @app.post("/api/compare")
    def compare(asked: questions.Compare) -> dict[str, Any]:
        """Split the difference of the first run from each other into a part for every input that changed."""
        contents = [_content(workspace.base(run=name)) for name in asked.runs]
        goal = known_outcome(asked.metric or contents[0].study.objective)
        cases = [ComparedCase(one.study, one.design, one.outcome, one.evaluator) for one in contents]
        found = {
            name: attribute(goal, cases[0], case).to_dict()
            for name, case in zip(asked.runs[1:], cases[1:], strict=True)
        }
        return {"metric": goal, "first": asked.runs[0], "differences": finite(found)}


LISTED_OF_A_PLAN = ("study", "status", "objective_name", "units", "objective", "bound", "gap")


def _listed_plan(name: str, folder: Path) -> dict[str, Any]:
    try:
        content = read_plan(folder)
    except DawnduskError as error:
        return {"name": name, "error": str(error)}
    listed: dict[str, Any] = finite({"name": name, **{key: content[key] for key in LISTED_OF_A_PLAN}})
    return listed


def _content(base: Base) -> Any:
    if base.subject is None:
        raise NotThereError("run: found a study; allowed: a run")
    return base.subject.content


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise NotThereError(f"{path.name}: not in this run") from None


def _add_jobs(app: FastAPI, workspace: Workspace, jobs: Jobs, most_seconds: float) -> None:
    @app.post("/api/jobs", status_code=ACCEPTED)
    def optimise(asked: questions.Optimise) -> dict[str, Any]:
        """Queue a search; it goes on whoever listens, and over restarts of the server."""
        base = workspace.base(study=asked.study, run=asked.run)
        study = questions.study_asked(base.study, asked, most_seconds)
        return jobs.add(study.resolved, study.title or study.name).to_dict()

    @app.get("/api/jobs")
    def listed() -> list[dict[str, Any]]:
        """Return every job, newest first."""
        return [job.to_dict() for job in jobs.all()]

    @app.get("/api/jobs/{name}")
    def job(name: str) -> dict[str, Any]:
        """Return how a job stands, with its last report."""
        events = jobs.events(name)
        return {**jobs.get(name).to_dict(), "last": events[-1] if events else None}

    @app.delete("/api/jobs/{name}")
    def cancel(name: str) -> dict[str, Any]:
        """Cancel a job: what it found by then is kept."""
        return jobs.cancel(name).to_dict()

    @app.get("/api/jobs/{name}/events")
    def events(name: str, request: Request) -> StreamingResponse:
        """Stream the reports of a job as server-sent events: ``progress``, then ``end``."""
        jobs.get(name)
        begin = request.headers.get("last-event-id", "")
        start = int(begin) if begin.isascii() and begin.isdigit() else 0
        return StreamingResponse(_stream(jobs, name, start), media_type="text/event-stream")


async def _stream(jobs: Jobs, name: str, start: int) -> AsyncIterator[str]:
    """Yield events from a line on until the job has ended; ends too when whoever listens has gone."""
    quiet = 0.0
    while True:
        state = jobs.get(name).state
        found = await anyio.to_thread.run_sync(jobs.events, name, start)
        for one in found:
            start += 1
            yield f"id: {start}\nevent: progress\ndata: {json.dumps(one)}\n\n"
        if state in ENDED:
            yield f"event: end\ndata: {json.dumps(jobs.get(name).to_dict())}\n\n"
            return
        quiet = 0.0 if found else quiet + POLL_S
        if quiet >= QUIET_S:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(POLL_S)
