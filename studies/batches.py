"""Many designs at once, from Python: a batch or a table in, a table out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dawndusk.models.design import NUMBERS, VARIABLES, Design, DesignBatch
from dawndusk.models.errors import DesignError, nearest
from dawndusk.models.evaluate import Evaluation
from dawndusk.optimize.problem import Scored

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class EvaluatedBatch:
    """N evaluated designs; ``objective`` is in the sense of a minimisation, ``feasible`` of shape (N,)."""

    scored: Scored

    @property
    def evaluation(self) -> Evaluation:
        """Return outcomes and rule violations as arrays of shape (N,)."""
        return self.scored.evaluation

    def __len__(self) -> int:
        return len(self.scored.designs)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each design: variables, outcomes, violation and feasibility."""
        import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

        columns = {**self.scored.designs.columns(), **self.evaluation.outcome.values}
        return pd.DataFrame({**columns, "violation": self.scored.violation, "feasible": self.scored.feasible})


def as_batch(designs: DesignBatch | Sequence[Design] | pd.DataFrame) -> DesignBatch:
    """Return designs as a batch; a table needs a column for each design variable."""
    if isinstance(designs, DesignBatch):
        return designs
    if isinstance(designs, Sequence) and all(isinstance(design, Design) for design in designs):
        return DesignBatch.of(designs)
    if not hasattr(designs, "columns"):
        raise DesignError(f"designs: found a {type(designs).__name__}; allowed: a batch, a sequence of Design, a table")
    columns = cast("pd.DataFrame", designs).columns
    missing = [name for name in VARIABLES if name not in columns]
    if missing:
        found = ", ".join(map(str, columns))
        raise DesignError(f"column {missing[0]!r}: missing; found {found}{nearest(missing[0], map(str, columns))}")
    return _from_table(designs)


def _from_table(table: Any) -> DesignBatch:
    values, codes, names = {}, {}, {}
    for name in VARIABLES:
        column = table[name]
        if name not in NUMBERS:
            codes[name], found = column.factorize()
            names[name] = tuple(map(str, found))
            if (codes[name] < 0).any():
                raise DesignError(
                    f"column {name!r}: found an empty cell; allowed: names of {VARIABLES[name].catalogue}"
                )
            continue
        try:
            values[name] = column.to_numpy(dtype=float)
        except (TypeError, ValueError):
            raise DesignError(f"column {name!r}: found text; allowed: numbers in {VARIABLES[name].units}") from None
    return DesignBatch(values, codes, names)
