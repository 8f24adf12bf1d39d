"""How results show themselves in a notebook; what draws them is imported when one does."""

from __future__ import annotations

from importlib import import_module
from typing import Any

DRAWN_BY = "dawndusk.studies.output.figures.results"
"""Reached by its name, because figures are made from results and not the other way round."""


class ShownResult:
    """A result that a notebook shows: its main figure where figures are drawn, else its headline and a table."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return the figure as data, the headline with a table as HTML, and the headline as text."""
        bundle: dict[str, Any] = import_module(DRAWN_BY).bundle(self)
        return bundle

    def _repr_html_(self) -> str:
        """Return the headline with a table."""
        page: str = self._repr_mimebundle_()["text/html"]
        return page
