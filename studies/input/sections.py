"""What every section of a study file has in common, and the kinds of value that a section may hold."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict

from dawndusk.models.design import VARIABLES
from dawndusk.optimize.settings import Engine
from dawndusk.studies.input import values
from dawndusk.studies.input.values import Checked, misfit


class Section(BaseModel):
    """A mapping that refuses unknown keys and converts nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


TEXT = Checked(values.text, {"type": "string", "maxLength": values.MAX_TEXT})
TRUTH = Checked(values.truth, {"type": "boolean"})
ROW_NAME = Checked(values.row_name, {"type": "string", "pattern": values.ROW_NAME})

# A field that may be left out is None then; null in a file is refused all the same, by the check.
Text: TypeAlias = Annotated[str, TEXT]
OptionalText: TypeAlias = Annotated[str | None, TEXT]
StudyName: TypeAlias = Annotated[str, Checked(values.study_name, {"type": "string", "pattern": values.STUDY_NAME})]
RowName: TypeAlias = Annotated[str, ROW_NAME]
OptionalRowName: TypeAlias = Annotated[str | None, ROW_NAME]
Outcomes: TypeAlias = Annotated[tuple[str, ...] | None, Checked(values.outcomes, values.OUTCOMES_RULE)]
VariableName: TypeAlias = Annotated[
    str, Checked(lambda value: values.choose(value, VARIABLES, "a design variable"), {"enum": list(VARIABLES)})
]
INNER_ENGINES = (Engine.EVOLUTION, Engine.CERTIFIED)
BoundText: TypeAlias = Annotated[str, Checked(values.bound, {"type": "string", "pattern": values.BOUND_PATTERN})]


def at_most_one(section: Section, names: tuple[str, ...]) -> None:
    """Raise if a section gives more than one of some keys."""
    given = [name for name in names if getattr(section, name) is not None]
    if len(given) > 1:
        raise misfit(f"one of {', '.join(names)}", found=f"both {' and '.join(given)}", key=given[-1])
