"""Typed results: an evaluated design and a finished run, with tables to look at."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import VARIABLES, Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.optimize.explain.conflict import Conflict
from dawndusk.optimize.explain.optimum import Explanation
from dawndusk.optimize.problem import sign_of
from dawndusk.optimize.result import Candidate
from dawndusk.optimize.solve import Solved
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.run.design.limits import AtEnd, Limit, NameAlternative, broken
from dawndusk.studies.run.run import Run

if TYPE_CHECKING:
    import pandas as pd

HEADLINE = (
    "lcoc_usd_per_pflop_hour",
    "cost_usd_per_accelerator_hour",
    "cost_usd_per_kw_year",
    "capex_usd",
    "capex_usd_per_w",
    "ground_lcoc_usd_per_pflop_hour",
    "cost_ratio_to_ground",
    "it_power_mw",
    "delivered_pflops",
    "launches",
    "deployment_years",
    "launch_cost_usd",
    "mass_per_it_power_kg_per_kw",
)


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """One design in the full model: outcomes by name, and every rule with its margin, tightest first."""

    study: ResolvedStudy
    design: Design
    outcome: Mapping[str, float]
    limits: tuple[Limit, ...]

    @property
    def feasible(self) -> bool:
        """Return whether every rule and bound is met."""
        return not self.broken

    @property
    def broken(self) -> list[Limit]:
        """Return the rules and bounds that are broken, worst first."""
        return broken(list(self.limits))

    def to_frame(self) -> pd.DataFrame:
        """Return outcomes as a table with value, units and meaning, one row each."""
        import pandas as pd  # noqa: PLC0415 (heavy, and not needed to print)

        rows = [(f.table, n, self.outcome[n], f.units, f.meaning) for n, f in OUTCOMES.items()]
        return pd.DataFrame(rows, columns=["table", "outcome", "value", "units", "meaning"]).set_index("outcome")

    def to_dict(self) -> dict[str, Any]:
        """Return design, outcome, status and margins as plain values."""
        return {
            "status": "feasible" if self.feasible else "infeasible",
            "design": self.design.to_dict(),
            "outcome": dict(self.outcome),
            "margins": {limit.name: limit.margin for limit in self.limits},
        }

    def _repr_html_(self) -> str:
        return _html_table(
            f"{self.study.title or self.study.name}: one design", _design_rows(self.design) + _headline(self.outcome)
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class RunResult(Run):
    """A finished run of a design study: its answer, the best design in the full model, and what limits it.

    ``status`` is ``optimal`` (the gap asked for is proved), ``feasible`` (a design, and a wider gap or no bound),
    ``infeasible`` or ``unknown``. ``objective`` is None where no feasible design is known; ``best`` is then the nearest
    miss. ``bound`` and ``gap`` are None where none is proved. ``result`` is all that the engine has to say.
    """

    study: ResolvedStudy
    result: Solved
    best: Evaluated
    at_ends: tuple[AtEnd, ...]
    alternatives: tuple[NameAlternative, ...]

    @property
    def feasible(self) -> bool:
        """Return whether a design was found that meets every rule and bound."""
        return self.result.design is not None

    @property
    def boxes(self) -> int | None:
        """Return how many boxes of designs the certified search looked at."""
        return self.result.boxes

    @property
    def evaluated_designs(self) -> int:
        """Return how many designs were evaluated exactly."""
        return self.result.evaluated

    @property
    def explanation(self) -> Explanation | None:
        """Return what the optimum is made of, where that was asked for."""
        return self.result.explanation

    @property
    def conflict(self) -> Conflict | None:
        """Return why there is no design, where that was asked for."""
        return self.result.conflict

    @property
    def engine(self) -> str:
        """Return the engine that searched."""
        return self.study.search.engine.value

    @property
    def design(self) -> Design:
        """Return the best design."""
        return self.best.design

    @property
    def outcome(self) -> Mapping[str, float]:
        """Return the outcomes of the best design."""
        return self.best.outcome

    def to_frame(self) -> pd.DataFrame:
        """Return the best design of every combination that was looked at, best first, with all outcomes."""
        return candidate_frame(self.result.candidates, self.study.assumptions)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, as ``optimum.json`` holds it."""
        return {
            "study": self.study.name,
            "status": self.status,
            "sense": self.study.sense,
            "objective_name": self.study.objective,
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "gap_asked": self.study.search.gap,
            "engine": self.engine,
            "boxes": self.boxes,
            "seconds": self.seconds,
            "seed": self.seed,
            "audit": self.audit,
            "evaluated_designs": self.evaluated_designs,
            "stopped_by": self.stopped_by,
            "history": [asdict(milestone) for milestone in self.history],
            **{k: v for k, v in self.best.to_dict().items() if k != "status"},
            "variables_at_an_end": [{"variable": a.variable, "value": a.value, "end": a.end} for a in self.at_ends],
            "explanation": self.explanation.to_dict() if self.explanation is not None else None,
            "conflict": self.conflict.to_dict() if self.conflict is not None else None,
            "instead": [
                {
                    "variable": other.variable,
                    "name": other.name,
                    "objective": self.in_sense(other.candidate.objective),
                    "broken": list(other.broken),
                }
                for other in self.alternatives
            ],
            "broken": [limit.name for limit in self.best.broken],
        }

    def in_sense(self, objective: float) -> float:
        """Turn an objective that a search made small back into the sense of the study."""
        return sign_of(self.study.sense) * objective


def candidate_frame(candidates: Sequence[Candidate], assumptions: Assumptions) -> pd.DataFrame:
    """Return the best designs of a search as a table: design variables, all outcomes, violation and feasibility."""
    import pandas as pd  # noqa: PLC0415

    batch = DesignBatch.of([c.design for c in candidates])
    evaluation = evaluate(batch, assumptions)
    columns = {**batch.columns(), **evaluation.outcome.values}
    columns["violation"] = [c.violation for c in candidates]
    columns["feasible"] = [c.violation <= 0.0 for c in candidates]
    return pd.DataFrame(columns)


def _design_rows(design: Design) -> list[tuple[str, str]]:
    values = design.to_dict()
    return [(name, pretty(values[name], VARIABLES[name].units)) for name in VARIABLES]


def _headline(outcome: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(name, pretty(outcome[name], OUTCOMES[name].units)) for name in HEADLINE]


def _html_table(title: str, rows: list[tuple[str, str]]) -> str:
    body = "".join(f"<tr><th>{html.escape(n)}</th><td>{html.escape(v)}</td></tr>" for n, v in rows)
    return f"<table><caption>{html.escape(title)}</caption>{body}</table>"
