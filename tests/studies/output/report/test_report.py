"""The report: one file that stands by itself, the same for the same run, and safe whatever a study says."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.studies.output.figures.picture import Picture
from dawndusk.studies.output.report import page
from dawndusk.studies.output.report.markup import embedded, link, tag, text
from dawndusk.studies.output.report.page import pictures_of, sections_of, write_report
from dawndusk.studies.output.report.subject import subject_of
from dawndusk.studies.run.folder.reading import read_run

VOID = {"meta", "br", "input", "link", "img"}


class Page(HTMLParser):
    """What a page holds: elements with their attributes, text outside scripts, and whether its tags are balanced."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            self.scripts.append(data)
        else:
            self.words.append(data)

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for element, attributes in self.elements if element == name]

    @property
    def data(self) -> Any:
        start = next(i for i, one in enumerate(self.of("script")) if one.get("id") == "data")
        return json.loads([s for s in self.scripts if not s.startswith(":root")][start])


@pytest.fixture(scope="module")
def written(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(run_folder, tmp_path_factory.mktemp("reports") / "report.html")


@pytest.fixture(scope="module")
def parsed(written: Path) -> Page:
    return Page(written.read_text(encoding="utf-8"))


def test_the_same_run_gives_the_same_bytes(run_folder: Path, written: Path, tmp_path: Path) -> None:
    assert write_report(run_folder, tmp_path / "again.html").read_bytes() == written.read_bytes()


def test_nothing_is_fetched(parsed: Page) -> None:
    for element, attributes in parsed.elements:
        assert not {"src", "srcset", "background", "action"} & set(attributes), element
        if "href" in attributes:
            assert element == "a"
    policy = next(one["content"] for one in parsed.of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and "default-src 'none'" in policy and "http" not in policy


def test_it_is_a_balanced_page_with_language_title_and_headings(parsed: Page) -> None:
    assert parsed.open == []
    assert parsed.of("html") == [{"lang": "en"}]
    assert len(parsed.of("h1")) == 1 and len(parsed.of("title")) == 1
    targets = {one["href"] for one in parsed.of("a") if (one.get("href") or "").startswith("#")}
    ids = {f"#{attributes['id']}" for _, attributes in parsed.elements if "id" in attributes}
    assert targets <= ids


def test_every_figure_has_words_and_a_table(parsed: Page) -> None:
    figures = parsed.of("figure")
    assert len(figures) >= 8
    assert len(parsed.of("figcaption")) == len(figures)
    canvases = [one for one in parsed.of("div") if (one.get("class") or "").startswith("canvas")]
    assert len(canvases) == len(figures)
    assert all(one["role"] == "img" and one["aria-label"] for one in canvases)
    assert set(parsed.data["pictures"]) == {one["data-picture"] for one in figures}


def test_every_outcome_opens_to_its_term_tree(parsed: Page) -> None:
    opened = {one["data-figure"] for one in parsed.of("button") if "data-figure" in one}
    trees = parsed.data["figures"]
    assert opened == set(OUTCOMES)
    assert opened <= set(trees)
    assert {name for tree in trees.values() for name in tree.get("reads", ())} <= set(trees)
    assert any(tree["kind"] == "row" and tree["sources"] for tree in trees.values())


def test_the_answer_its_proof_its_limits_and_the_ground_come_first(parsed: Page) -> None:
    words = " ".join(parsed.words)
    places = [
        words.index(found)
        for found in ("optimal", "Proved: no design costs less than", "Orbit against", "What limits it")
    ]
    assert places == sorted(places)
    assert places[-1] < words.index("Design variables")


def test_every_belief_stands_with_range_source_and_confidence(parsed: Page, run_folder: Path) -> None:
    words = " ".join(parsed.words)
    for key, row in read_run(run_folder).study.assumptions.provenance.items():
        assert key in words
        assert row.source in words


def test_hostile_texts_stay_texts(hostile_folder: Path, tmp_path: Path, written: Path, parsed: Page) -> None:
    found = Page(write_report(hostile_folder, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert found.open == []
    assert found.of("img") == []
    assert len(found.of("script")) == len(parsed.of("script"))
    assert all(not key.startswith("on") for _, attributes in found.elements for key in attributes)
    assert "<img src=x onerror=alert(1)>" in " ".join(found.words)
    assert "\u202e" not in " ".join(found.words)


def test_a_run_without_a_design_shows_the_conflict(infeasible_folder: Path, tmp_path: Path) -> None:
    found = Page(write_report(infeasible_folder, tmp_path / "report.html").read_text(encoding="utf-8"))
    words = " ".join(found.words)
    assert "infeasible" in words and "Proved: no design meets every rule and bound" in words
    assert "What can not be met together" in words and "capex_usd <= 1e+06" in words


def test_a_front_is_shown_with_its_knee(front_folder: Path, tmp_path: Path) -> None:
    found = Page(write_report(front_folder, tmp_path / "report.html").read_text(encoding="utf-8"))
    front = found.data["front"]
    assert [point["knee"] for point in front["points"]] == [False, False, True, False, False]
    assert {"altitude_km", "radiator_area_m2"} <= set(front["variables"])
    words = " ".join(found.words)
    assert "the knee is point 3" in words and "Exchange rates at the knee" in words


def test_old_figures_are_said_to_be_old(run_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(run_folder, folder)
    content = json.loads((folder / "optimum.json").read_text(encoding="utf-8"))
    content["outcome"]["capex_usd"] *= 2.0
    (folder / "optimum.json").write_text(json.dumps(content), encoding="utf-8")
    found = Page(write_report(folder).read_text(encoding="utf-8"))
    assert "gives other figures than the run recorded (1 of" in " ".join(found.words)
    assert found.data["recorded"] == {"capex_usd": content["outcome"]["capex_usd"]}
    assert (tmp_path / "old.html").is_file()


def test_a_changed_study_is_said_to_be_changed(run_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(run_folder, folder)
    study = (folder / "study.yaml").read_text(encoding="utf-8")
    (folder / "study.yaml").write_text(study.replace("kind: design", "kind: design\ntitle: another"), encoding="utf-8")
    found = Page(write_report(folder).read_text(encoding="utf-8"))
    assert "is not the one that was run" in " ".join(found.words)


def test_every_picture_is_one_that_plotly_takes(run_folder: Path, infeasible_folder: Path, front_folder: Path) -> None:
    graph_objects = pytest.importorskip("plotly.graph_objects")
    pictures = [one for folder in (run_folder, infeasible_folder, front_folder) for one in pictures_of(folder).values()]
    names = {picture.name for picture in pictures}
    assert {"satellite", "mass", "power", "capital", "levelised", "compute", "ground", "swings", "front"} <= names
    for picture in pictures:
        graph_objects.Figure(picture.figure())


def parts(pictures: dict[str, Picture], name: str) -> list[float]:
    return [float(value) for value in pictures[name].data[0]["x"]]


def test_parts_add_up_to_the_whole(run_folder: Path) -> None:
    outcome, pictures = read_run(run_folder).outcome, pictures_of(run_folder)
    assert sum(parts(pictures, "mass")) == pytest.approx(outcome["wet_mass_kg"])
    assert sum(parts(pictures, "capital")) == pytest.approx(outcome["capex_usd"])
    *steps, total = parts(pictures, "levelised")
    assert sum(steps) == pytest.approx(total) == pytest.approx(outcome["lcoc_usd_per_pflop_hour"])
    *steps, total = parts(pictures, "compute")
    assert sum(steps) == pytest.approx(total) == pytest.approx(outcome["delivered_pflops"])
    flows = pictures["power"].data[0]["link"]["value"]
    assert sum(flows[:3]) == pytest.approx(outcome["heat_w"]) == pytest.approx(sum(flows[3:]))


def test_orbit_and_ground_add_up_to_their_levelised_cost(run_folder: Path) -> None:
    outcome, picture = read_run(run_folder).outcome, pictures_of(run_folder)["ground"]
    on_ground, in_orbit = (sum(trace["x"][i] for trace in picture.data) for i in (0, 1))
    assert in_orbit == pytest.approx(outcome["lcoc_usd_per_pflop_hour"])
    assert on_ground == pytest.approx(outcome["ground_lcoc_usd_per_pflop_hour"])


def test_the_drawing_is_to_scale(run_folder: Path) -> None:
    content, picture = read_run(run_folder), pictures_of(run_folder)["satellite"]
    areas: dict[str, float] = {}
    for trace in picture.data:
        if trace.get("fill") == "toself":
            wide, high = (max(trace[axis]) - min(trace[axis]) for axis in "xy")
            areas[trace["name"]] = areas.get(trace["name"], 0.0) + wide * high
    assert areas["solar array"] == pytest.approx(content.outcome["array_area_m2"])
    assert areas["radiator"] == pytest.approx(content.design.radiator_area_m2)
    assert picture.layout["yaxis"]["scaleanchor"] == "x"


def test_the_library_that_draws_is_named_where_it_is_missing(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page.plotly_script.cache_clear()
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(DawnduskError, match=r"plotly.*dawndusk\[report\]"):
        write_report(run_folder, tmp_path / "report.html")
    page.plotly_script.cache_clear()


def test_a_report_that_can_not_be_written_says_so(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DawnduskError, match="can not be written"):
        write_report(run_folder, tmp_path / "file" / "report.html")


def damaged(name: str, content: str | None) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(content, encoding="utf-8")

    return damage


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damaged("manifest.json", None), "found no manifest.json of a run"),
        (damaged("manifest.json", "[]"), "found no mapping"),
        (damaged("manifest.json", "{}"), "found no manifest of a run"),
        (
            damaged("manifest.json", '{"format": 99, "study_hash": "x", "dawndusk": "9.1"}'),
            "of a newer version .dawndusk 9.1",
        ),
        (damaged("optimum.json", None), "has not ended"),
        (damaged("optimum.json", '{"status": "opt'), "can not be read"),
        (damaged("optimum.json", '{"status": "optimal"}'), "found no study, design, outcome"),
        (damaged("optimum.json", "[" * 10_000), "can not be read"),
        (damaged("certificate.json", "{"), "can not be read"),
        (damaged("study.yaml", None), "a study that can not be read"),
        (damaged("study.yaml", "name: x\nkind: design\nminimise: nothing\n"), "a study that can not be read"),
    ],
)
def test_a_damaged_run_folder_is_refused_in_words(
    run_folder: Path, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    damage(folder)
    with pytest.raises(DawnduskError, match=words):
        write_report(folder)


@pytest.mark.parametrize("name", ["", "nowhere", "x" * 5000, "nul\0l"])
def test_what_is_no_run_folder_is_refused_in_words(name: str, tmp_path: Path) -> None:
    with pytest.raises(DawnduskError, match="found no manifest"):
        subject_of(tmp_path / name)


def test_markup_escapes_everything_but_markup() -> None:
    assert text(["<b>", tag("i", "<u>"), None, 3]) == "&lt;b&gt;<i>&lt;u&gt;</i>3"
    assert tag("p", title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;"></p>'
    assert link("javascript:alert(1)", "x") == "x"
    assert "<" not in embedded({"</script>": "<!--"})
    assert json.loads(embedded({"a": float("nan"), "b": "</script>"})) == {"a": None, "b": "</script>"}


def test_sections_of_a_run_stand_in_order(run_folder: Path) -> None:
    names = [section.name for section in sections_of(subject_of(run_folder), checks=False)]
    assert names == ["answer", "design", "parts", "why", "proof", "figures", "assumptions", "run"]


def test_scripts_are_no_other_languages_strings() -> None:
    for name in page.SCRIPTS:
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", page.asset(name))
