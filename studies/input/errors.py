"""Errors in a study: what was found, where, what is allowed instead."""

from __future__ import annotations

from dataclasses import dataclass

from dawndusk.models.errors import DawnduskError


@dataclass(frozen=True)
class Place:
    """Where a value was read: a file and its line, or a ``--set`` item, which has no line."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, kw_only=True)
class StudyProblem:
    """One thing that is wrong in a study. ``key`` is dotted, and empty where the whole file is wrong."""

    place: Place
    key: str
    found: str
    allowed: str
    hint: str = ""

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.place}: {key}found {self.found}; allowed {self.allowed}{self.hint}"


class StudyError(DawnduskError):
    """A study that can not be used. Its text has one line for each entry of ``problems``."""

    def __init__(self, *problems: StudyProblem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))
