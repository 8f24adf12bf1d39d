"""A resolved study: the question as typed values, ready to be evaluated or searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design
from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.problem import Bound, Choice, Entry, Fixed, Goal, Operator, Range, Sense
from dawndusk.optimize.settings import Engine, Settings

if TYPE_CHECKING:
    from dawndusk.studies.input.document import DocumentNode
    from dawndusk.studies.input.plans.schema import PlanSection

__all__ = [
    "Bound",
    "Choice",
    "Engine",
    "Entry",
    "EvaluatorSettings",
    "Fixed",
    "FrontSettings",
    "Goal",
    "Kind",
    "Operator",
    "Range",
    "ResolvedStudy",
    "SamplerName",
    "Search",
    "Sense",
    "Strategy",
]


class Kind(StrEnum):
    """What a study asks for."""

    DESIGN = "design"
    PARETO = "pareto"
    GROUND = "ground"
    PLAN = "plan"

    @property
    def has_design(self) -> bool:
        """Whether a study of this kind is about one design, with outcomes that are made small or large."""
        return self in {Kind.DESIGN, Kind.PARETO}


class SamplerName(StrEnum):
    """The rule that names the next designs of a search that goes by trials."""

    AUTO = "auto"
    SURROGATE = "surrogate"
    TPE = "tpe"
    GP = "gp"
    CMAES = "cmaes"
    NSGA2 = "nsga2"
    NSGA3 = "nsga3"
    POPULATION = "population"
    RANDOM = "random"


@dataclass(frozen=True, kw_only=True)
class EvaluatorSettings:
    """What answers a design in place of the built-in model: an external command, or a function of a Python module.

    With ``screen`` a design that breaks a rule in the built-in model is answered by that model alone, and samplers
    that can do so learn only what the evaluator adds to it.
    """

    command: tuple[str, ...] = ()
    function: str = ""
    timeout_s: float
    retries: int
    screen: bool


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """An outer search over some variables; for each of its trials the others are optimised by an inner engine."""

    variables: tuple[str, ...]
    first_launch_year: tuple[float, float] | None
    inner: Engine


@dataclass(frozen=True, kw_only=True)
class FrontSettings:
    """How fine a front is: the widest gap as a share of each goal's range, and what is proved of it."""

    spacing: float
    certify_ends: bool
    certify_points: bool


@dataclass(frozen=True, kw_only=True)
class Search(Settings):
    """How long and how the design space is searched.

    The fields from ``sampler`` on are of searches that go by trials; ``storage`` has no part in what is found. A
    ``batch`` that is left open is settled when the search begins, and stated in the run folder.
    """

    sampler: SamplerName
    evaluations: int
    batch: int | None
    stagnation: int
    warm_start: bool
    asynchronous: bool
    storage: str
    evaluator: EvaluatorSettings | None
    strategy: Strategy | None

    @property
    def goes_by_trials(self) -> bool:
        """Whether the search asks and tells trial by trial."""
        return self.engine.goes_by_trials or self.evaluator is not None or self.strategy is not None


@dataclass(frozen=True, kw_only=True, eq=False)
class ResolvedStudy:
    """A study with every value in place. Two studies are equal if their ``hash`` is.

    ``space`` has an entry for each design variable, except for ``satellites`` where they follow the demand.
    ``resolved`` is the study as plain values, as a run folder keeps it; read again, it gives an equal study.
    ``plan`` is there for kind ``plan``, which has no goals and bounds; ``document`` has what was read, with its places.
    """

    name: str
    title: str
    description: str
    kind: Kind
    workload: str
    training_run: str
    goals: tuple[Goal, ...]
    bounds: tuple[Bound, ...]
    space: Mapping[str, Entry]
    satellites_follow_demand: bool
    assumptions: Assumptions = field(repr=False)
    search: Search
    front: FrontSettings
    source: str
    resolved: dict[str, Any] = field(repr=False)
    hash: str
    plan: PlanSection | None = field(default=None, repr=False)
    document: DocumentNode | None = field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResolvedStudy) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    @property
    def objective(self) -> str:
        """The outcome that is made small or large; the first where there are several. A plan has none."""
        return self._first_goal.outcome

    @property
    def sense(self) -> Sense:
        """Whether that outcome is made small or large."""
        return self._first_goal.sense

    @property
    def _first_goal(self) -> Goal:
        if not self.goals:
            self.check_has_design()
        return self.goals[0]

    @property
    def minimise(self) -> str | None:
        """The outcome to make small, if that is what is asked."""
        return self.objective if self.sense == "minimise" else None

    @property
    def maximise(self) -> str | None:
        """The outcome to make large, if that is what is asked."""
        return self.objective if self.sense == "maximise" else None

    def check_has_design(self, instead: str = "a design study") -> None:
        """Raise ``DawnduskError`` for a study that is not about one design."""
        if not self.kind.has_design:
            raise DawnduskError(
                f"{self.source}: kind: found {self.kind.value}, which has no single design; allowed: {instead}"
            )

    def nominal_design(self, satellites: int = 1) -> Design:
        """Return the design with every variable at its nominal value.

        Parameters
        ----------
        satellites : int
            Used where the satellites follow the demand. ``dawndusk.studies.run.design.runner.nominal_design`` finds the
            number that meets it.
        """
        values: dict[str, Any] = {name: entry.nominal for name, entry in self.space.items()}
        return Design(**{"satellites": satellites, **values})

    def to_yaml(self) -> str:
        """Return the resolved study as the text of a study file."""
        from dawndusk.studies.input.document import write_text  # noqa: PLC0415 (a study need not load the YAML library)

        return write_text(self.resolved)
