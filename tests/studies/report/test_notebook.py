"""Notebooks: results show themselves, and the tutorial runs from its first cell to its last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dawndusk.studies.figures.notebook import PLOTLY_MIME, as_table, shown, trace_html
from dawndusk.studies.report.page import pictures_of
from dawndusk.studies.report.subject import subject_of

TUTORIAL = Path(__file__).resolve().parents[3] / "docs" / "seeing" / "tutorial.ipynb"


def test_a_picture_shows_itself_as_figure_table_and_words(run_folder: Path) -> None:
    for picture in pictures_of(run_folder).values():
        bundle = shown(picture)._repr_mimebundle_()
        assert json.loads(json.dumps(bundle[PLOTLY_MIME], allow_nan=False))["data"]
        assert bundle["text/html"].count("<tr>") == 1 + len(picture.rows)
        assert picture.caption in bundle["text/plain"]


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
