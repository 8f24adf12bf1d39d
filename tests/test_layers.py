"""The check of the layer rule notices a violation: a clean copy passes, and each forbidden import fails."""

import os
import shutil
import subprocess
import sys
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
