"""Every library that the code imports is declared, and every declared one is pinned."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+")
OURS = {"dawndusk", "benchmarks", "tests"}


def distribution(requirement: str) -> str:
    """The normalised name of the distribution that a requirement, or a pin, asks for."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~\[; ]", requirement)[0]).lower()


def lines_of(extra: str) -> list[str]:
    """What an extra asks for, other extras of the project followed."""
    found: list[str] = []
    for line in EXTRAS[extra]:
        own = re.fullmatch(rf"{PROJECT['name']}\[(.+)\]", line)
        found += [item for name in own[1].split(",") for item in lines_of(name)] if own else [line]
    return found


def imported_packages(folder: Path) -> set[str]:
    """Top-level names of what the Python files under `folder` import, the standard library aside."""
    nodes = [node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_bytes()))]
    direct = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    of_a_module = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in direct | of_a_module} - set(sys.stdlib_module_names) - OURS


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("models", []),
        ("optimize", ["cluster", "gp"]),
        ("studies", ["export", "plot", "postgres", "web"]),
        ("benchmarks", ["all", "bench"]),
        ("tests", ["test", "bench"]),
    ],
)
def test_every_import_is_declared(folder: str, extras: list[str]) -> None:
    declared = [*PROJECT["dependencies"], *(line for extra in extras for line in lines_of(extra))]
    names = {distribution(line) for line in declared}
    providers = packages_distributions()
    undeclared = {
        package
        for package in imported_packages(ROOT / folder)
        if names.isdisjoint(map(distribution, [package, *providers.get(package, [])]))
    }
    assert not undeclared


def test_every_declared_dependency_has_a_plain_pin() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    declared = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    assert {distribution(line) for line in declared} - {PROJECT["name"]} <= set(map(distribution, lines))
