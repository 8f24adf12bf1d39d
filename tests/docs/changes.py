"""Pages on how to change the code: their blocks as changes to a copy of the tree, and the program that sees it work.

A block that changes a file says where in its caption, for example ``models/rules.py`` with ``at the end``; see
``CAPTION``. The block with the caption ``The check`` is a program, which passes on the changed tree only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(page for page in (ROOT / "docs" / "howto").glob("*.md") if page.stem != "index")
COPIED = ("models", "optimize", "studies", "src")

BLOCK = re.compile(
    r"^```\{code-block\} \w+\n:caption: (?P<caption>[^\n]+)\n\n?(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
CAPTION = re.compile(r"`(?P<file>[^`]+)`, (?P<how>a new file|at the end|after|before|in place of)(?: `(?P<line>.+)`)?")
CHECK = "The check"
HALF_WRITTEN = shutil.ignore_patterns("*.pyc.*")
"""What other tests are about to compile."""


@dataclass(frozen=True)
class Change:
    """What a block does to a file; ``line`` is text that exactly one line of the file holds."""

    file: str
    how: str
    line: str
    text: str

    def apply(self, tree: Path) -> None:
        """Make the change."""
        path = tree / self.file
        if self.how == "a new file":
            assert not path.exists(), f"{self.file} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text, encoding="utf-8")
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        begin, end = self._span(lines)
        path.write_text("".join([*lines[:begin], self.text, *lines[end:]]), encoding="utf-8")

    def _span(self, lines: list[str]) -> tuple[int, int]:
        """Return the lines that the text replaces, from the first to the one after the last."""
        if self.how == "at the end":
            return len(lines), len(lines)
        found = [number for number, line in enumerate(lines) if self.line in line]
        assert len(found) == 1, f"{self.file} has {len(found)} lines with {self.line!r}: mend the caption of the page"
        (number,) = found
        return {"before": (number, number), "in place of": (number, number + 1)}.get(self.how, (number + 1, number + 1))


@dataclass(frozen=True)
class HowTo:
    """A page: its changes in order, and its check."""

    page: Path
    changes: tuple[Change, ...]
    check: str

    @property
    def files(self) -> list[str]:
        """The files that it touches."""
        return sorted({change.file for change in self.changes})


def read(page: Path) -> HowTo:
    """Read a page; every block of it has to be a change or the one check."""
    blocks = [(block["caption"], block["text"]) for block in BLOCK.finditer(page.read_text(encoding="utf-8"))]
    (check,) = [text for caption, text in blocks if caption == CHECK]
    changes = []
    for caption, text in blocks:
        if caption != CHECK:
            match = CAPTION.fullmatch(caption)
            assert match, f"{page.name}: can not read the caption {caption!r}"
            changes.append(Change(match["file"], match["how"], match["line"] or "", text))
    return HowTo(page, tuple(changes), check)


def copy_of_the_tree(folder: Path) -> Path:
    """Return a copy of the code in a folder, with the symbolic links that make it a package."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=HALF_WRITTEN)
    return folder


def run(tree: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the package of a tree, in the folder of that tree."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
