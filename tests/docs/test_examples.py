"""Every command and every Python block of the README and the pages runs, and what they show is what comes out."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dawndusk.studies.input.studyfile import read_study

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if not {"_build", "generated"} & set(page.relative_to(ROOT).parts)]

FENCE = re.compile(r"(?:^% exits (?P<code>\d+)\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
MACHINE = re.compile(r" in [\d.]+ s,|, proved.*$")
NOT_CLOSED = 4
"""Exit code of a proof whose gap a machine does not close in the time it has; faster ones do."""
TOLERANCE = 0.01
SETTLED = ("The ", "Best design found", "Design", "Capital", "What limits it", "Orbit against the ground")
"""Beginnings of the lines of a search that hold on every machine. The best cost does within the tolerance; the design
behind it may differ a little where the cost is flat, because rounding differs between processors."""
"""Relative; the last digits shown may differ from one machine to the next."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text, the exit code that its page announces."""

    page: Path
    line: int
    language: str
    text: str
    code: int

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]

    @property
    def shown(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.strip() not in {"", "..."} and line[:2] != "$ "]

    @property
    def program(self) -> str:
        """The file that a Python block is, where its first line says so: it is run by the commands of its page."""
        named = re.match(r"# (\w+\.py)\n", self.text) if self.language == "python" else None
        return named[1] if named else ""

    @property
    def slow(self) -> bool:
        return bool(
            re.search(r"dawndusk (run|pareto|resume|ask|compare|validate)|\.run\(|begin_told|plan_model", self.text)
        )


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start("language")) + 1
            found.append(Block(page, line, match["language"], match["text"], int(match["code"] or 0)))
    return found


def cases(*languages: str) -> list[object]:
    chosen = [block for block in blocks() if block.language in languages and not block.program]
    return [pytest.param(b, id=b.name, marks=[pytest.mark.slow] if b.slow else []) for b in chosen]


def environment() -> dict[str, str]:
    """Return an environment in which `dawndusk` and `python` are those that run the tests."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "110"}


def write_files_of(page: Path, folder: Path) -> None:
    """Write every YAML block of a page that has a name as that study file, and every program as its file."""
    for block in blocks():
        name = re.search(r"^name: (\S+)$", block.text, re.MULTILINE)
        if block.page == page and block.language == "yaml" and name:
            (folder / f"{name[1]}.yaml").write_text(block.text, encoding="utf-8")
        if block.page == page and block.program:
            (folder / block.program).write_text(block.text, encoding="utf-8")


def value(text: str) -> float:
    return float(text.replace(",", ""))


def same(shown: str, printed: str) -> bool:
    """Tell whether two lines have the same words and numbers that agree within the tolerance."""
    if NUMBER.sub("#", " ".join(shown.split())) != NUMBER.sub("#", " ".join(printed.split())):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(abs(value(a) - value(b)) <= TOLERANCE * abs(value(b)) for a, b in pairs)


@pytest.mark.parametrize("block", cases("console"))
def test_commands_run_and_print_what_the_page_shows(block: Block, tmp_path: Path) -> None:
    write_files_of(block.page, tmp_path)
    printed = ""
    assert block.commands, "a console block shows at least one command after a `$ `"
    for command in block.commands:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )
        allowed = {block.code, NOT_CLOSED} if "dawndusk run" in command and not block.code else {block.code}
        assert done.returncode in allowed, f"{command}\n{done.stdout}{done.stderr}"
        printed += done.stdout + done.stderr
    lines = [MACHINE.sub("", line) for line in printed.splitlines()]
    searched = any(" run " in f"{command} " for command in block.commands)
    shown = [line for line in block.shown if not searched or line.startswith(SETTLED)]
    stale = [line for line in shown if not any(same(MACHINE.sub("", line), other) for other in lines)]
    assert stale == [], "shown on the page and not printed; for the README run docs/_generate.py"


@pytest.mark.parametrize("block", cases("python"))
def test_python_blocks_run(block: Block, tmp_path: Path) -> None:
    """Each block stands by itself, in a folder of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.text],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", cases("yaml"))
def test_study_files_are_valid(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(block.text, encoding="utf-8")
    assert read_study(path).space


@pytest.mark.parametrize("block", cases("sh", "bash"))
def test_make_targets_exist(block: Block) -> None:
    """Shell blocks hold only `make`, which sets up an environment of its own and is not run here."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in filter(None, block.text.splitlines()):
        command, target, *_ = line.split()
        assert command == "make" and target in targets, line


def test_every_block_is_of_a_kind_that_is_tested_or_plain() -> None:
    known = {"console", "python", "yaml", "sh", "bash", "text"}
    assert [block.name for block in blocks() if block.language not in known] == []


def test_links_between_pages_lead_somewhere() -> None:
    """Sphinx checks the pages; this checks the README, which is read on its own."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert targets and [target for target in targets if not (ROOT / target).is_file()] == []


def test_the_comparison_of_lines_notices_a_stale_number() -> None:
    assert same("cost  13.57 USD", "cost 13.58 USD")
    assert not same("cost 13.57 USD", "cost 14.57 USD")
    assert not same("cost 13.57 USD", "price 13.57 USD")


def test_a_block_announces_its_exit_code() -> None:
    failing = [block for block in blocks() if block.code]
    assert {block.code for block in failing} == {2, 3, 4}
    assert replace(failing[0], code=0).name == failing[0].name
