"""The map of packages is that of the tree, and the notes and pages that it leads to are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MAP = (DOCS / "architecture.md").read_text(encoding="utf-8")
LAYERS = ("models", "optimize", "studies")
NEEDED = ("Decided", "Why", "Think again")


def packages() -> set[str]:
    """Every folder below a layer that is a package, as the map writes it."""
    found = (path.parent.relative_to(ROOT) for layer in LAYERS for path in (ROOT / layer).rglob("__init__.py"))
    return {".".join(path.parts) for path in found} - set(LAYERS)


def test_every_package_has_its_sentence_and_no_other_is_named() -> None:
    named = re.findall(r"^\| `((?:models|optimize|studies)\.[a-z_.]+)` \| \w", MAP, flags=re.MULTILINE)
    assert len(named) == len(set(named))
    assert set(named) == packages()


@pytest.mark.parametrize("name", sorted(re.findall(r"`((?:models|optimize|studies)(?:\.[a-z_]+)+)`", MAP)))
def test_what_the_map_names_is_there(name: str) -> None:
    path = ROOT.joinpath(*name.split("."))
    assert path.is_dir() or path.with_suffix(".py").is_file()


def test_the_picture_is_there_and_says_what_it_shows() -> None:
    picture = (DOCS / "_static" / "architecture.svg").read_text(encoding="utf-8")
    assert "<title" in picture
    assert "<desc" in picture


def test_every_decision_is_listed_and_says_when_to_think_again() -> None:
    index = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    notes = {path.stem for path in (DOCS / "decisions").glob("*.md")} - {"index"}
    assert set(re.findall(r"^([a-z_]+)$", index, flags=re.MULTILINE)) == notes
    for name in notes:
        text = (DOCS / "decisions" / f"{name}.md").read_text(encoding="utf-8")
        assert all(f"**{word}" in text for word in NEEDED), name
        assert len(text.split()) < 400, f"{name}: a note is short"
