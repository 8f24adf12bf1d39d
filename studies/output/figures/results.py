"""The figure, the headline and the table by which a result shows itself in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dawndusk.models.design import VARIABLES
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.studies.output.figures import breakdowns, front, plan, trials
from dawndusk.studies.output.figures.notebook import as_table, shown
from dawndusk.studies.output.figures.picture import Picture
from dawndusk.studies.run.design.results import HEADLINE, RunResult
from dawndusk.studies.run.design.wording import percent
from dawndusk.studies.run.front.runner import FrontResult
from dawndusk.studies.run.plan.result import PlanResult
from dawndusk.studies.run.plan.tables import manifest_table
from dawndusk.studies.run.trials.result import SearchRun

MOST_ROWS = 30
TITLE_PX = 36
Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def bundle(result: Any) -> dict[str, Any]:
    """Return what a notebook shows of a result: figure, HTML and text."""
    headline, picture, (columns, rows) = _parts(result)
    found = {"text/plain": headline, "text/html": as_table(headline, columns, rows[:MOST_ROWS])}
    if picture is None:
        return found
    drawn = shown(picture)._repr_mimebundle_()
    figure = drawn.pop(next(kind for kind in drawn if kind.startswith("application/")))
    margin = figure["layout"]["margin"]
    figure["layout"] |= {
        "title": {"text": headline, "font": {"size": 15}, "x": 0, "xref": "paper", "y": 1, "yanchor": "top"},
        "margin": {**margin, "t": margin["t"] + TITLE_PX},
        "height": figure["layout"]["height"] + TITLE_PX,
    }
    return {PLOTLY: figure, **found}


PLOTLY = "application/vnd.plotly.v1+json"


def _parts(result: Any) -> tuple[str, Picture | None, Table]:
    if isinstance(result, RunResult):
        return _run(result)
    if isinstance(result, FrontResult):
        content = result.to_dict()
        name = result.study.title or result.study.name
        return f"{name}: {result.status}, {len(content['points'])} designs", front.front(content), _front(content)
    if isinstance(result, PlanResult):
        return _plan(result)
    assert isinstance(result, SearchRun)
    return _search(result)


def _run(result: RunResult) -> tuple[str, Picture | None, Table]:
    goal = result.study.objective
    found = "" if result.objective is None else f", {goal} = {pretty(result.objective, OUTCOMES[goal].units)}"
    proof = "" if result.gap is None else f", proved within {percent(result.gap)}"
    headline = f"{result.study.title or result.study.name}: {result.status}{found}{proof}"
    rows = [(name, pretty(value, VARIABLES[name].units)) for name, value in result.design.to_dict().items()]
    rows += [(name, pretty(result.outcome[name], OUTCOMES[name].units)) for name in HEADLINE]
    picture = None
    if result.feasible:
        picture = breakdowns.ground(result.outcome, result.design, result.study.assumptions)
    return headline, picture, (("variable or outcome", "value"), rows)


def _front(content: Mapping[str, Any]) -> Table:
    picture = front.front(content)
    return (("point",), ()) if picture is None else (picture.columns, picture.rows)


def _plan(result: PlanResult) -> tuple[str, Picture | None, Table]:
    units, proof = result.units, ""
    if result.gap is not None:
        proof = f", proved within {percent(result.gap)}"
    found = "" if result.objective is None else f", {result.to_dict()['objective_name']} = "
    found += "" if result.objective is None else pretty(result.objective, units)
    headline = f"{result.question.study.title or result.question.name}: {result.status}{found}{proof}"
    if result.plan is None:
        return headline, None, (("figure", "value"), ())
    flown = manifest_table(result.planned.problem, result.plan).astype(str).to_dict("records")
    picture = plan.launches([{str(key): value for key, value in row.items()} for row in flown])
    summary = (result.to_dict()["summary"] or {}).items()
    rows = [(str(name), f"{value:,.6g}") for name, value in summary if isinstance(value, int | float)]
    return headline, picture, (("figure", "value"), rows)


def _search(result: SearchRun) -> tuple[str, Picture | None, Table]:
    found, goals = result.to_dict(), result.study.goals
    rows = [{str(key): value for key, value in row.items()} for row in result.to_frame().to_dict("records")]
    picture = trials.progress(rows, goals[0]) if len(goals) == 1 else trials.front_progress(rows, goals)
    best, goal = found.get("objective"), result.study.objective
    words = "" if best is None else f", {goal} = {pretty(best, OUTCOMES[goal].units)}"
    headline = (
        f"{result.study.title or result.study.name}: {result.status}{words} after {found['evaluations']:,} trials, "
        f"{found['failed']:,} of them failed; nothing is proved"
    )
    table = (("from trial", "best"), ()) if picture is None else (picture.columns, picture.rows)
    return headline, picture, table
