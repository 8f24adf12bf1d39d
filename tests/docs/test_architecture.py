"""The map of packages and the picture name what is in the tree, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("models", "optimize", "studies")
MAPPED = re.compile(r"^\| `([a-z_.]+)` \| (.+) \|$", re.MULTILINE)
TITLE = re.compile(r'<text class="title"[^>]*>([^<]+)<')
NAME = re.compile(r"[a-z_.]+")
THINGS = {"study file", "Study", "exact score", "Planned"}
"""What the picture shows of data, which is no package."""


def packages() -> set[str]:
    found = (path.parent.relative_to(ROOT) for layer in LAYERS for path in (ROOT / layer).rglob("__init__.py"))
    return {".".join(folder.parts) for folder in found}


def mapped() -> dict[str, str]:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return dict(MAPPED.findall(text[text.index("## Every package") :]))


def test_the_map_has_every_package_once_with_a_sentence() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = [name for name, _ in MAPPED.findall(text)]
    assert sorted(names) == sorted(set(names))
    assert sorted(packages() - set(mapped())) == [], "in the tree, and not in the map"
    assert sorted(set(mapped()) - packages()) == [], "in the map, and not in the tree"
    assert all(len(words.split()) >= 2 for words in mapped().values())


def test_the_picture_names_what_is_there() -> None:
    titles = TITLE.findall((ROOT / "docs" / "_static" / "architecture.svg").read_text(encoding="utf-8"))
    known = {*packages(), *(name for layer in LAYERS for name in modules(layer))}
    named = [name for title in titles if title not in THINGS for name in NAME.findall(title)]
    assert len(named) > 15
    assert [name for name in named if not any(f"{layer}.{name}" in known for layer in LAYERS)] == []


def modules(layer: str) -> list[str]:
    return [f"{layer}.{path.stem}" for path in (ROOT / layer).glob("*.py")]
