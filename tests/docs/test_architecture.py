"""The map of packages and the picture are those of the tree; decision notes and the glossary say what they have to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ARCHITECTURE = (DOCS / "architecture.md").read_text(encoding="utf-8")
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")
LAYERS = ("models", "optimize", "studies")
MAPPED = re.compile(r"^\| `((?:models|optimize|studies)(?:\.[a-z_]+)*)` \| \w", re.MULTILINE)
FILE = re.compile(r"`((?:models|optimize|studies|tests|src)/[\w./]+)`")
TITLE = re.compile(r'<text class="title"[^>]*>([^<]+)<')
NAME = re.compile(r"[a-z_.]+")
THINGS = {"study file", "Study", "exact score", "Planned"}
"""What the picture shows of data, which is no package."""
NEEDED = ("Decided", "Why", "Measured", "Think again")
MOST_WORDS = 450
TERM = re.compile(r"^(?:\w.*\n)+(?:  .*\n)+", re.MULTILINE)
OURS = {
    "audit",
    "box",
    "certificate",
    "cutoff",
    "family of rows",
    "gap",
    "incumbent",
    "node",
    "node queue",
    "parameter",
}
OURS |= {"second bound", "structure", "surrogate", "work partition"}
"""Terms without a source: they are everybody's words, or this project's own."""


def packages() -> set[str]:
    found = (path.parent.relative_to(ROOT) for layer in LAYERS for path in (ROOT / layer).rglob("__init__.py"))
    return {".".join(folder.parts) for folder in found}


def test_the_map_has_every_package_once_and_no_other() -> None:
    named = MAPPED.findall(ARCHITECTURE[ARCHITECTURE.index("## Every package") :])
    assert len(named) == len(set(named))
    assert sorted(packages() - set(named)) == [], "in the tree, and not in the map"
    assert sorted(set(named) - packages()) == [], "in the map, and not in the tree"


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:models|optimize|studies)(?:\.[a-z_]+)+)`", ARCHITECTURE)))
)
def test_a_package_that_the_text_names_is_there(name: str) -> None:
    assert name in packages()


@pytest.mark.parametrize("page", ["architecture", *(f"decisions/{p.stem}" for p in (DOCS / "decisions").glob("*.md"))])
def test_a_file_that_a_page_names_is_there(page: str) -> None:
    named = FILE.findall((DOCS / f"{page}.md").read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_picture_says_what_it_shows_and_names_what_is_there() -> None:
    picture = (DOCS / "_static" / "architecture.svg").read_text(encoding="utf-8")
    assert "<title" in picture and "<desc" in picture
    modules = {f"{layer}.{path.stem}" for layer in LAYERS for path in (ROOT / layer).glob("*.py")}
    named = [name for title in TITLE.findall(picture) if title not in THINGS for name in NAME.findall(title)]
    assert len(named) > 15
    known = packages() | modules
    assert [name for name in named if not any(f"{layer}.{name}" in known for layer in LAYERS)] == []


def test_every_decision_is_listed_and_says_when_to_think_again() -> None:
    index = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    notes = {path.stem for path in (DOCS / "decisions").glob("*.md")} - {"index"}
    assert set(re.findall(r"^([a-z_]+)$", index, flags=re.MULTILINE)) == notes
    assert set(re.findall(r"\]\(([a-z_]+)\.md\)", index)) == notes
    for name in notes:
        text = (DOCS / "decisions" / f"{name}.md").read_text(encoding="utf-8")
        assert all(f"**{word}" in text for word in NEEDED), name
        assert len(text.split()) < MOST_WORDS, f"{name}: a note is short"


def test_every_term_of_the_glossary_has_a_source_or_is_our_own() -> None:
    entries = TERM.findall(GLOSSARY)
    assert len(entries) > 50
    without = {
        entry.splitlines()[0] for entry in entries if not re.search(r"\(\d{4}\), \*|CFR|ECSS", " ".join(entry.split()))
    }
    assert without == OURS
