"""The wheel holds every file of the tree exactly once, whether built from the tree or from the sdist."""

import configparser
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("models", "optimize", "studies")
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and return its output; show all of it where the command fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(target: str, out: Path) -> Path:
    """Build the tree's `wheel` or `sdist` into `out` without a network."""
    run(sys.executable, "-m", "build", "--no-isolation", f"--{target}", "--outdir", out, ROOT)
    (archive,) = out.iterdir()
    return archive


def files_under(folder: Path) -> list[Path]:
    """Every file under `folder`, caches left out."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if CACHES.isdisjoint(path.parts)]


def layer_files() -> list[str]:
    """The files of the three layers, relative to the tree's root."""
    return sorted(path.relative_to(ROOT).as_posix() for layer in LAYERS for path in files_under(ROOT / layer))


def front_files() -> list[str]:
    """The files of src/dawndusk itself, relative to it: what its links lead to is not its own."""
    relative = [path.relative_to(ROOT / "src/dawndusk") for path in files_under(ROOT / "src/dawndusk")]
    return sorted(path.as_posix() for path in relative if path.parts[0] not in LAYERS)


def package_files(wheel: Path) -> list[str]:
    """The wheel's files, its metadata aside; a file that is in it twice is listed twice."""
    with zipfile.ZipFile(wheel) as archive:
        return sorted(name for name in archive.namelist() if ".dist-info/" not in name)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", tmp_path_factory.mktemp("sdist"))


def test_wheel_holds_each_file_of_the_tree_once(wheel: Path) -> None:
    assert package_files(wheel) == sorted(f"dawndusk/{name}" for name in front_files() + layer_files())


def test_wheel_declares_types_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = [name for name in names if name.endswith(".dist-info/entry_points.txt")]
        commands = configparser.ConfigParser()
        commands.read_string(archive.read(entry_points).decode())
    assert "dawndusk/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert dict(commands["console_scripts"]) == {"dawndusk": "dawndusk.studies.cli.main:main"}


def test_sdist_holds_each_file_of_the_tree_once(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = [member.name.partition("/")[2] for member in archive.getmembers() if not member.isdir()]
    layers = sorted(name for name in names if name.partition("/")[0] in LAYERS)
    front = sorted(name for name in names if name.startswith("src/"))
    assert layers == layer_files()
    assert front == [f"src/dawndusk/{name}" for name in front_files()]


def test_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "out", unpacked)
    (rebuilt,) = (tmp_path / "out").iterdir()
    assert package_files(rebuilt) == package_files(wheel)


def test_installed_wheel_imports_away_from_the_tree(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    offline = ("--no-index", "--no-deps", "--quiet")
    run(sys.executable, "-m", "pip", "install", *offline, "--target", target, wheel)
    # -S leaves out site-packages, and with it the editable install that points back at the tree.
    code = f"import sys; sys.path.insert(0, {str(target)!r}); import dawndusk.models as m; print(m.__file__)"
    found = run(sys.executable, "-I", "-S", "-c", code, cwd=tmp_path)
    assert Path(found.strip()) == target / "dawndusk/models/__init__.py"
