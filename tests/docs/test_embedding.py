"""The workflow of the embedding page runs: by Snakemake where that is installed, and by its rules everywhere."""

from __future__ import annotations

import csv
import itertools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "docs" / "embedding"
OWN = ROOT / ".venv-snakemake" / "bin" / "snakemake"
SNAKEMAKE = str(OWN) if OWN.exists() else shutil.which("snakemake")
"""That of `make snakemake`, whose environment is its own, or any other."""
RULE = re.compile(r"^rule (\w+):\n((?:    .*\n|\n)+)", re.MULTILINE)
ENTRY = re.compile(r"    (input|output|shell):\n((?:        .*\n)+)")
WILDCARD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Rule:
    """A rule of a Snakefile: what it reads, what it writes, and the command between."""

    name: str
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    command: str = ""

    def wildcards(self, wanted: str) -> dict[str, str] | None:
        """Return what the wildcards of this rule stand for where it writes a file, None where it does not."""
        for pattern in self.writes:
            found = re.fullmatch(WILDCARD.sub(r"(?P<\1>[^/]+)", re.sub(r"([.])", r"\\\1", pattern)), wanted)
            if found:
                return found.groupdict()
        return None


def expand(pattern: str, **values: list[object]) -> list[str]:
    """Return a pattern with every combination of values, as Snakemake does."""
    rows = itertools.product(*values.values())
    return [pattern.format(**dict(zip(values, row, strict=True))) for row in rows]


def rules_of(text: str) -> list[Rule]:
    """Return the rules of a Snakefile, with its names in place of their values."""
    names: dict[str, object] = {"expand": expand, "directory": str}
    exec(text[: text.index("rule ")], names)  # the constants above the first rule, which are plain Python
    found = []
    for name, body in RULE.findall(text):
        entries = dict.fromkeys(("input", "output", "shell"), "") | dict(ENTRY.findall(body))
        reads, writes, (command, *_) = (eval(f"[{entries[key]}] or ['']", names) for key in entries)
        found.append(
            Rule(name, [p for one in reads for p in ([one] if isinstance(one, str) else one)], writes, command)
        )
    return found


class Runner:
    """Makes files by the rules that write them, each once, in a folder."""

    def __init__(self, rules: list[Rule], folder: Path) -> None:
        self.rules, self.folder = rules, folder
        self.ran: list[str] = []

    def make(self, wanted: str) -> None:
        if not wanted or (self.folder / wanted).exists():
            return
        rule, wild = next((r, w) for r in self.rules if (w := r.wildcards(wanted)) is not None)
        reads = [WILDCARD.sub(lambda match: wild[match[1]], one) for one in rule.reads]
        for read in reads:
            self.make(read)
        wildcards = type("Wildcards", (), wild)
        command = rule.command.format(input=" ".join(reads), output=wanted, wildcards=wildcards)
        self.ran.append(rule.name)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert (self.folder / wanted).exists(), f"{command} wrote no {wanted}"


def environment() -> dict[str, str]:
    """Return an environment in which `dawndusk` and `python` are those that run the tests."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(WORKFLOW, tmp_path / "workflow")
    return tmp_path / "workflow"


def costs(folder: Path) -> dict[str, float]:
    with (folder / "altitudes.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: float(row["lcoc_usd_per_pflop_hour"]) for row in csv.DictReader(file)}


@pytest.mark.slow
def test_the_rules_gather_one_answer_for_each_altitude(folder: Path) -> None:
    runner = Runner(rules_of((WORKFLOW / "Snakefile").read_text(encoding="utf-8")), folder)
    runner.make("altitudes.csv")
    assert runner.ran == ["evaluate", "evaluate", "evaluate", "gather"]
    found = costs(folder)
    assert set(found) == {f"altitude-{km}.json" for km in (500, 600, 700)} and len(set(found.values())) == len(found)


@pytest.mark.slow
def test_the_rules_search_and_report(folder: Path) -> None:
    runner = Runner(rules_of((WORKFLOW / "Snakefile").read_text(encoding="utf-8")), folder)
    runner.make("report.html")
    assert runner.ran == ["optimise", "report"]
    assert (folder / "best" / "optimum.json").is_file()


@pytest.mark.skipif(not SNAKEMAKE, reason="snakemake is not installed; the rules are run without it")
def test_snakemake_runs_the_workflow(folder: Path) -> None:
    assert SNAKEMAKE is not None
    done = subprocess.run(
        [SNAKEMAKE, "--cores", "1"], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(costs(folder)) > 1 and (folder / "report.html").is_file()
