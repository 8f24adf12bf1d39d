"""The pages that the code writes hold everything that the code knows, and the whole builds without a warning."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import dawndusk
from dawndusk.models.design import VARIABLES
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.rules import RULES
from dawndusk.studies.cli.main import COMMANDS
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.input.files import library_names
from dawndusk.studies.input.schema import DemandSection, SearchSection, StudyFile
from dawndusk.studies.published.validation import SHIPPED_CASES, read_cases

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "_generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("variables", list(VARIABLES)),
        ("outcomes", list(OUTCOMES)),
        ("rules", list(RULES)),
        ("library", library_names()),
        ("commands", list(COMMANDS)),
        ("study_keys", [*StudyFile.model_fields, *VARIABLES, *SearchSection.model_fields, *DemandSection.model_fields]),
        ("python", [name for name in dawndusk.__all__ if not name.startswith("_")]),
    ],
)
def test_a_page_names_everything(generate: ModuleType, page: str, names: list[str]) -> None:
    text = generate.PAGES[page]()
    assert [name for name in names if name not in text] == []


def test_every_assumption_is_shown_with_its_value_and_source(generate: ModuleType) -> None:
    text = generate.assumptions_page() + generate.catalogues_page()
    for key, quantity in default_assumptions().provenance.items():
        start = f"| `{key.rsplit('.', 1)[1]}` |"
        rows = [line for line in text.splitlines() if line.startswith(start)]
        value, source = f"| {generate.number(quantity.value)} |", generate.escaped(quantity.source)
        assert any(value in row and source in row for row in rows), key


def test_every_published_case_is_shown(generate: ModuleType) -> None:
    text = generate.validation_page()
    assert [case.case_id for case in read_cases(SHIPPED_CASES) if f"`{case.case_id}`" not in text] == []


def test_every_benchmark_is_shown_as_it_was_kept(generate: ModuleType) -> None:
    text = generate.benchmarks_page()
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(generate.BENCHMARKS.glob("*.json"))]
    assert kept, "at least one benchmark is kept"
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert {one["benchmark"] for one in kept} <= scripts, "a benchmark that is gone is kept no longer"
    assert [name for name in scripts if name not in text] == []
    for one in kept:
        assert "\n".join(one["output"]) in text and one["machine"]["python"] in text


def test_a_benchmark_is_kept_with_its_machine_and_a_failing_one_is_not(tmp_path: Path) -> None:
    script = tmp_path / "counting.py"
    script.write_text('"""Counts to three."""\nimport sys\nprint(1, 2, 3, *sys.argv[1:])\n', encoding="utf-8")
    record = ROOT / "benchmarks" / "suite" / "record.py"
    program = (
        "import runpy, sys; made = runpy.run_path(sys.argv[1]); import json, pathlib; print(json.dumps(made['recorded']"
    )
    program += "(pathlib.Path(sys.argv[2]), sys.argv[3:])))"
    command = [sys.executable, "-c", program, str(record), str(script)]
    done = subprocess.run([*command, "four"], capture_output=True, text=True, check=True, env=environment())
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["about"], found["output"]) == ("Counts to three.", ["1 2 3 four"])
    assert found["machine"]["cores"] and found["machine"]["libraries"]["numpy"]
    script.write_text("raise SystemExit(3)", encoding="utf-8")
    assert subprocess.run(command, capture_output=True, check=False, env=environment()).returncode == 3


def environment() -> dict[str, str]:
    """Return an environment in which this checkout is the package."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def test_plain_text_survives_markdown(generate: ModuleType) -> None:
    assert generate.escaped("a|b *c* $5 <d> [e]") == r"a\|b \*c\* \$5 \<d\> \[e\]"


def test_no_page_reaches_for_the_network() -> None:
    """Links to sources are fine; scripts and styles from elsewhere are not."""
    built = ROOT / "docs" / "_build" / "html"
    if not built.is_dir():
        pytest.skip("the pages are not built here")
    for page in built.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'src="http' not in text and 'rel="stylesheet" type="text/css" href="http' not in text, page


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the extra `docs` is not installed; `make docs` does the same")
    options = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "-b", "html"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "-d", str(tmp_path / "cache"), "docs", str(tmp_path / "html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "concepts" / "orbit.html").read_text(encoding="utf-8").count("<math") > 3
