"""Every inequality that stands beside code names the test that tries it, and that test is there."""

from __future__ import annotations

import re
from pathlib import Path

import dawndusk.optimize.certify

SOURCES = Path(dawndusk.optimize.certify.__file__).parent
TESTS = Path(__file__).parent
NAMED = re.compile(r"\btest_\w+")
DEFINED = re.compile(r"^def (test_\w+)\(", re.MULTILINE)
LEAST_NAMED = 35


def named() -> dict[str, str]:
    """Return the tests that sources name, each with a module that names it."""
    return {
        name: str(path.relative_to(SOURCES))
        for path in sorted(SOURCES.rglob("*.py"))
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
    }


def test_every_test_named_beside_an_inequality_is_there() -> None:
    defined = {name for path in TESTS.rglob("test_*.py") for name in DEFINED.findall(path.read_text(encoding="utf-8"))}
    missing = {name: module for name, module in named().items() if name not in defined}
    assert not missing


def test_modules_that_rest_on_inequalities_name_their_tests() -> None:
    """So that a pattern that finds nothing is noticed."""
    found = named()
    assert len(found) >= LEAST_NAMED
    by_module = set(found.values())
    for module in ("curves", "joint", "life_lines", "lookup", "planes"):
        assert f"functions/{module}.py" in by_module
    for module in ("affine", "backward", "bundle", "curve_sums", "forms", "master", "rows"):
        assert f"bound/{module}.py" in by_module
    assert "translate/nodes.py" in by_module
