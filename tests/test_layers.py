"""The check of the layer rule notices a violation: a clean copy passes, and each forbidden import fails."""

import ast
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("models", "optimize", "studies")
BIN = Path(sys.executable).parent

UPWARD = "Layers point down"
THIRD_PARTY = "Models know no solver"
FACADE = "Lower layers do not reach up"
CYCLE = "No cycles"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code and its contracts, with the symbolic links."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in (*LAYERS, "src"):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True)
    return tmp_path


def broken_contracts(tree: Path) -> list[str]:
    """Lines of import-linter's summary that report a broken contract in `tree`; none where all are kept."""
    done = subprocess.run(
        [BIN / "lint-imports", "--no-cache"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert done.returncode == (1 if broken else 0), done.stdout + done.stderr
    return broken


def test_the_tree_keeps_every_contract(tree: Path) -> None:
    assert broken_contracts(tree) == []


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("models/probe.py", "import dawndusk.optimize", UPWARD),
        ("models/probe.py", "from dawndusk.studies import data", UPWARD),
        ("optimize/probe.py", "from dawndusk import studies", UPWARD),
        ("models/probe.py", "def late():\n    import pandas as pd", THIRD_PARTY),
        ("models/probe.py", "from ruamel.yaml import YAML", THIRD_PARTY),
        ("optimize/probe.py", "from dawndusk import evaluate", FACADE),
        ("models/probe.py", "import dawndusk", FACADE),
    ],
)
def test_forbidden_import_breaks_its_contract(tree: Path, module: str, line: str, contract: str) -> None:
    (tree / module).write_text(line + "\n", encoding="utf-8")
    assert [broken for broken in broken_contracts(tree) if broken.startswith(contract)]


def test_cycle_breaks_its_contract(tree: Path) -> None:
    (tree / "models/probe_a.py").write_text("import dawndusk.models.probe_b\n", encoding="utf-8")
    (tree / "models/probe_b.py").write_text("import dawndusk.models.probe_a\n", encoding="utf-8")
    assert [broken for broken in broken_contracts(tree) if broken.startswith(CYCLE)]


@pytest.mark.parametrize(("layer", "refused"), [("models", True), ("optimize", False)])
def test_only_models_are_refused_scipy_optimize(layer: str, refused: bool) -> None:
    stand_in = ["--stdin-filename", f"{layer}/probe.py", "-"]
    done = subprocess.run(
        [BIN / "ruff", "check", "--no-cache", "--select", "TID251", *stand_in],
        cwd=ROOT,
        input="from scipy.optimize import brentq\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("TID251" in done.stdout) is refused, done.stdout + done.stderr


def modules() -> list[Path]:
    """Every module of the three layers."""
    return [path for layer in LAYERS for path in (ROOT / layer).rglob("*.py")]


def test_no_two_public_classes_have_the_same_name() -> None:
    names = Counter(
        node.name
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


LONGER = {"models/columns.py": 510}
"""One evaluation in the order of its couplings, which is read from top to bottom."""
MOST_LINES, MOST_MODULES = 400, 15


def test_modules_and_folders_are_short() -> None:
    for path in modules():
        name = path.relative_to(ROOT).as_posix()
        count = len(path.read_text(encoding="utf-8").splitlines())
        assert count <= LONGER.get(name, MOST_LINES), name
    folders = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules())
    assert {name: count for name, count in folders.items() if count > MOST_MODULES} == {}
