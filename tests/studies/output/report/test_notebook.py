"""Notebooks: results show themselves, and the tutorial runs from its first cell to its last."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.studies.output.figures.notebook import PLOTLY_MIME, as_table, shown, trace_html
from dawndusk.studies.output.report.page import pictures_of
from dawndusk.studies.output.report.subject import subject_of
from dawndusk.studies.run.front.runner import run_front

TUTORIAL = Path(__file__).resolve().parents[4] / "docs" / "seeing" / "tutorial.ipynb"


def test_a_picture_shows_itself_as_figure_table_and_words(run_folder: Path) -> None:
    for picture in pictures_of(run_folder).values():
        bundle = shown(picture)._repr_mimebundle_()
        assert json.loads(json.dumps(bundle[PLOTLY_MIME], allow_nan=False))["data"]
        assert bundle["text/html"].count("<tr>") == 1 + len(picture.rows)
        assert picture.caption in bundle["text/plain"]


def test_results_show_their_main_figure_with_headline_and_table(
    small_study: Callable[..., dd.Study], make_planned: Callable[..., Any], tmp_path: Path
) -> None:
    searched = {"search.engine": "bayes", "search.evaluations": 8, "search.sampler": "random"}
    results: list[Any] = [
        small_study("search.engine=evolution", "search.designs=20000").run(),
        small_study(*[f"{key}={value}" for key, value in searched.items()], "search.warm_start=false").run(
            out=tmp_path / "searched"
        ),
        make_planned("shown"),
    ]
    for result in results:
        found = result._repr_mimebundle_()
        assert json.loads(json.dumps(found[PLOTLY_MIME], allow_nan=False))["data"]
        assert found["text/plain"] in found[PLOTLY_MIME]["layout"]["title"]["text"]
        assert "<table>" in found["text/html"] and result._repr_html_() == found["text/html"]


def test_results_without_anything_to_draw_still_show_themselves(
    small_study: Callable[..., dd.Study], make_planned: Callable[..., Any]
) -> None:
    lost: Any = small_study("subject_to=[capex_usd <= 1e6]", "search.engine=evolution", "search.designs=20000").run()
    late = make_planned("late", "plan.demand.delivered_pflops={2029: 3000000, 2031: 3000000}")
    for result in (lost, late):
        found = result._repr_mimebundle_()
        assert PLOTLY_MIME not in found and "<table>" in found["text/html"]


def test_a_front_shows_its_points(small_study: Callable[..., dd.Study]) -> None:
    study = small_study("search.engine=evolution", kind="pareto", minimise=["capex_usd", "lcoc_usd_per_pflop_hour"])
    found = run_front(study)._repr_mimebundle_()
    points = found[PLOTLY_MIME]["data"][0]["x"]
    assert f"{len(points)} designs" in found["text/plain"] and found["text/html"].count("<tr>") > 1


def test_a_tree_opens_level_by_level_and_escapes(run_folder: Path) -> None:
    figures = subject_of(run_folder).lineage.to_dict("wet_mass_kg")
    found = trace_html(figures, "wet_mass_kg", depth=3)
    assert found.count("<details") == found.count("</details>") > 3
    hostile: dict[str, dict[str, Any]] = {"x": {"label": "<script>", "meaning": "<img>", "formula": "a<b"}}
    assert "<script>" not in trace_html(hostile, "x") and "<img>" not in trace_html(hostile, "x")
    assert as_table("<b>", ["<i>"], [["<u>"]]).count("&lt;") == 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_tutorial_runs(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(TUTORIAL, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    kinds = {kind for cell in notebook.cells for output in cell.get("outputs", ()) for kind in output.get("data", ())}
    assert {PLOTLY_MIME, "text/html", "text/plain"} <= kinds
    assert (tmp_path / "tutorial-run.html").is_file()
