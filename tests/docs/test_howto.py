"""Every page on how to change the code works: its changes are made in a copy of the tree, and its check sees them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .changes import PAGES, Change, copy_of_the_tree, read, run

INDEX = PAGES[0].with_name("index.md")
ENTRY = re.compile(r"^\| \[[^\]]+\]\((\w+)\.md\) \| .* \| (\d+) \|$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_changes_of_a_page_fit_the_tree(page: Path, tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    howto = read(page)
    for change in howto.changes:
        change.apply(tree)
    compile(howto.check, page.name, "exec")
    for file in howto.files:
        text = (tree / file).read_text(encoding="utf-8")
        if file.endswith(".py"):
            compile(text, file, "exec")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_check_of_a_page_passes_with_its_changes_and_fails_without(page: Path, tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    howto = read(page)
    assert run(tree, howto.check).returncode, "the check passes on the tree as it is, so it shows nothing"
    for change in howto.changes:
        change.apply(tree)
    done = run(tree, howto.check)
    assert done.returncode == 0, done.stderr


def test_the_index_has_every_page_and_the_files_that_its_example_touches() -> None:
    stated = {name: int(count) for name, count in ENTRY.findall(INDEX.read_text(encoding="utf-8"))}
    assert stated == {page.stem: len(read(page).files) for page in PAGES}


def test_a_change_is_refused_where_its_line_is_not_there_just_once(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("one = 1\ntwo = 2\ntwo = 3\n", encoding="utf-8")
    for line, count in (("three", 0), ("two", 2)):
        with pytest.raises(AssertionError, match=f"has {count} lines with '{line}'"):
            Change("module.py", "after", line, "four = 4\n").apply(tmp_path)
    Change("module.py", "in place of", "one", "zero = 0\n").apply(tmp_path)
    Change("module.py", "before", "zero", "none = None\n").apply(tmp_path)
    assert (tmp_path / "module.py").read_text(encoding="utf-8") == "none = None\nzero = 0\ntwo = 2\ntwo = 3\n"
