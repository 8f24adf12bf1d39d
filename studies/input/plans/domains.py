"""Numbers, names and paths of the section ``plan``, and what every part of it shares."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dawndusk.studies.input import values
from dawndusk.studies.input.plans.paths import FIRST_YEAR, LAST_YEAR, YEAR, PathValue, year_key
from dawndusk.studies.input.values import Checked, Number

MONEY = PathValue(units="USD", minimum=1.0, maximum=1e15)
USD_YEAR = PathValue(units="USD/year", minimum=0.0, maximum=1e15)
PRICE = PathValue(units="USD/PFLOP-hour", minimum=0.0, maximum=1e6)
SHARE = PathValue(units="fraction", minimum=1e-6, maximum=1e3)
PROBABILITY = PathValue(units="fraction", minimum=0.01, maximum=1.0)
PER_YEAR = PathValue(units="1/year", minimum=0.0, maximum=1e7)
PFLOPS = PathValue(units="PFLOP/s", minimum=0.0, maximum=1e12)
MW = PathValue(units="MW", minimum=0.0, maximum=1e7)
MW_YEAR = PathValue(units="MW/year", minimum=0.0, maximum=1e7)
GBPS = PathValue(units="Gbit/s", minimum=0.0, maximum=1e12)
CALENDAR = Number(units="year", minimum=FIRST_YEAR, maximum=LAST_YEAR)
WHOLE_YEAR = Number(units="year", minimum=FIRST_YEAR, maximum=LAST_YEAR, whole=True)
LIFE = Number(units="years", minimum=0.25, maximum=15.0)
COUNT = Number(units="count", minimum=0.0, maximum=1e7)
WHOLE_COUNT = Number(units="count", minimum=1, maximum=1e7, whole=True)
GROWTH = Number(units="fraction/year", minimum=0.0, maximum=100.0)
USD = Number(units="USD", minimum=0.0, maximum=1e13)
SPENDING = Number(units="USD", minimum=0.0, maximum=1e15)
VALUE = Number(units="USD", minimum=-1e15, maximum=1e15)
LEVELISED = Number(units="USD/PFLOP-hour", minimum=1e-3, maximum=1e6)
MISSED = Number(units="USD/PFLOP-hour", minimum=1e-3, maximum=1e6)
FRACTION = Number(units="fraction", minimum=0.0, maximum=1.0)
FACTOR = Number(units="fraction", minimum=0.01, maximum=100.0)
DELAY = Number(units="years", minimum=0, maximum=15, whole=True)
LATE = Number(units="years", minimum=0.0, maximum=30.0)
POINTS = Number(units="count", minimum=0, maximum=50, whole=True)
DRAWN = Number(units="count", minimum=0, maximum=1000, whole=True)
ROUNDS = Number(units="count", minimum=0, maximum=100, whole=True)
CANDIDATES = Number(units="count", minimum=1, maximum=10_000, whole=True)
PROOF_TIME = Number(units="s", minimum=0.0, maximum=1e6)
ELECTRICITY = Number(units="USD/MWh", minimum=0.0, maximum=1e4)
LEVEL = Number(units="fraction", minimum=0.0, maximum=1.0, between=True)
GAP = Number(units="fraction", minimum=0, maximum=1, between=True)
TIME_LIMIT = Number(units="s", minimum=0.1, maximum=1e6)
SEED = Number(units="-", minimum=0, maximum=2**31 - 1, whole=True)

ROW = Checked(values.row_name, {"type": "string", "pattern": values.ROW_NAME})
RowName: TypeAlias = Annotated[str, ROW]
StudyText: TypeAlias = Annotated[str | None, Checked(values.text, {"type": "string"})]
Names: TypeAlias = Annotated[tuple[RowName, ...], AfterValidator(values.distinct_or_none)]
SomeNames: TypeAlias = Annotated[tuple[RowName, ...], AfterValidator(values.distinct)]
Texts: TypeAlias = Annotated[
    tuple[Annotated[str, Checked(values.text, {"type": "string"})], ...], AfterValidator(values.distinct_or_none)
]
YearText: TypeAlias = Annotated[str, Checked(year_key, {"type": "string", "pattern": f"^{YEAR.pattern}$"})]
TRUTH = Checked(values.truth, {"type": "boolean"})


class Part(BaseModel):
    """A mapping that refuses unknown keys and converts nothing.

    ``NEEDED`` has the keys that the whole study must state where it states the part.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    NEEDED: ClassVar[tuple[str, ...]] = ()


def path(domain: PathValue, text: str) -> Any:
    """Return the field of a path that may be left out."""
    return Field(default=None, description=f"{text} [{domain.units}].")
