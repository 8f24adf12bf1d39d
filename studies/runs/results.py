"""Typed results: an evaluated design and a finished run, with tables to look at."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import VARIABLES, Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.certify.certificate import Check
from dawndusk.optimize.conflict import Conflict
from dawndusk.optimize.evolution import Candidate
from dawndusk.optimize.explanation import Explanation
from dawndusk.optimize.problem import sign_of
from dawndusk.studies.runs.engines import Found
from dawndusk.studies.runs.explain import Alternative, AtEnd, Limit, broken
from dawndusk.studies.shown import Shown
from dawndusk.studies.statement.study import Study
from dawndusk.studies.statement.units import pretty

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

    study: Study
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
class RunResult(Shown):
    """A finished run: status, objective, bound, gap, seconds and seed; the best design and what limits it.

    ``status`` is ``optimal`` (the gap asked for is proved), ``feasible`` (a design, and a wider gap or no bound),
    ``infeasible`` or ``unknown``. ``objective`` is None where no feasible design is known; ``best`` is then the nearest
    miss. ``bound`` and ``gap`` are None where none is proved. ``found`` is all that the engine has to say.
    ``explanation`` says what the optimum is made of, ``conflict`` why there is none, where that was asked for.
    """

    study: Study
    found: Found
    best: Evaluated
    at_ends: tuple[AtEnd, ...]
    alternatives: tuple[Alternative, ...]
    explanation: Explanation | None = None
    conflict: Conflict | None = None

    @property
    def status(self) -> str:
        """Return ``optimal``, ``feasible``, ``infeasible`` or ``unknown``."""
        return self.found.status

    @property
    def feasible(self) -> bool:
        """Return whether a design was found that meets every rule and bound."""
        return self.found.design is not None

    @property
    def objective(self) -> float | None:
        """Return the objective of the best design, None where none is feasible."""
        return self.found.objective

    @property
    def bound(self) -> float | None:
        """Return what no feasible design betters: a lower bound for minimise, an upper one for maximise."""
        return self.found.bound

    @property
    def gap(self) -> float | None:
        """Return the distance from objective to bound, relative to the objective."""
        return self.found.gap

    @property
    def boxes(self) -> int | None:
        """Return how many boxes of designs the certified search looked at."""
        return self.found.boxes

    @property
    def seconds(self) -> float:
        """Return the wall time of the search and its audit, earlier parts of a resumed run included."""
        return self.found.seconds

    @property
    def seed(self) -> int:
        """Return the seed."""
        return self.found.seed

    @property
    def evaluated_designs(self) -> int:
        """Return how many designs were evaluated exactly."""
        return self.found.evaluated

    @property
    def stopped_by(self) -> str:
        """Return what ended the search: ``completion``, ``time limit``, ``interrupt`` and the like."""
        return self.found.stopped_by

    @property
    def engine(self) -> str:
        """Return the engine that searched."""
        return self.study.search.engine.value

    @property
    def audit(self) -> str:
        """Return the verdict of the audit: ``passed``, ``failed`` or ``not run``."""
        return self.found.verdict

    @property
    def checks(self) -> tuple[Check, ...]:
        """Return the parts of the audit."""
        return self.found.checks

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
        return candidate_frame(self.found.candidates, self.study.assumptions)

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
