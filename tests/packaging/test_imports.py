"""What `import dawndusk` does, and does not do."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dawndusk

ROOT = Path(__file__).parents[2]
LAYERS = ("models", "optimize", "studies")
HEAVY = {
    "click",
    "highspy",
    "numpy",
    "optuna",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyomo",
    "rich",
    "ruamel",
    "scipy",
}


def run_python(code: str, path: Path = ROOT / "src") -> str:
    """Run `code` in a fresh interpreter that sees `path` before anything installed, and return its output."""
    environment = os.environ | {"PYTHONPATH": str(path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names_for_type_checkers() -> dict[str, str]:
    """Name to `module:attribute`, read off the TYPE_CHECKING block of the package."""
    tree = ast.parse((ROOT / "src/dawndusk/__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: f"{node.module}:{alias.name}" for node in imports for alias in node.names}


def test_import_loads_no_heavy_library() -> None:
    loaded = json.loads(run_python("import dawndusk, json, sys; print(json.dumps(sorted(sys.modules)))"))
    assert HEAVY.isdisjoint(name.partition(".")[0] for name in loaded)


def test_dir_lists_the_public_names() -> None:
    assert set(dawndusk.__all__) <= set(dir(dawndusk))


def test_type_checkers_and_users_see_the_same_names() -> None:
    assert names_for_type_checkers() == dawndusk._PUBLIC_NAMES
    assert {*dawndusk._PUBLIC_NAMES, "__version__"} == set(dawndusk.__all__)


@pytest.mark.parametrize("name", dawndusk.__all__)
def test_public_name_is_importable(name: str) -> None:
    assert getattr(dawndusk, name) is not None


def test_unknown_attribute_is_refused_with_the_known_names() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'Desing'.*Design, DesignBatch"):
        _ = dawndusk.Desing


def test_checkout_without_symbolic_links_imports_the_layers(tmp_path: Path) -> None:
    for layer in LAYERS:
        shutil.copytree(ROOT / layer, tmp_path / layer)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns(*LAYERS))
    found = run_python("import dawndusk.models as models; print(models.__file__)", tmp_path / "src")
    assert Path(found.strip()).resolve() == (tmp_path / "models/__init__.py").resolve()
