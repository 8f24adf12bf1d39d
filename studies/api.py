"""The Python entry points: load a study, run it, evaluate designs.

>>> import dawndusk as dd
>>> study = dd.load("orbit-200mw")
>>> result = study.run()                                  # the best design, typed
>>> dd.evaluate("orbit-200mw", altitude_km=900).to_frame()  # one design
>>> dd.certify("orbit-200mw", gap=0.01).bound             # what no design betters
>>> dd.plan("plan-200mw").to_frame()                      # what flies when, over the years
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DesignError
from dawndusk.optimize.settings import Engine
from dawndusk.studies.batches import EvaluatedBatch, as_batch
from dawndusk.studies.input import study as resolved
from dawndusk.studies.input.studyfile import read_study, study_from_mapping
from dawndusk.studies.run.design.ground import GroundResult, ground_options
from dawndusk.studies.run.design.results import Evaluated, RunResult
from dawndusk.studies.run.design.runner import evaluate_design, nominal_design, problem_of, run_design
from dawndusk.studies.run.folder.writing import check_target, keep_run, refuse_ground_folder

if TYPE_CHECKING:
    import pandas as pd

    from dawndusk.studies.run.front.runner import FrontResult
    from dawndusk.studies.run.plan.result import PlanResult
    from dawndusk.studies.run.trials.result import SearchRun


@dataclass(frozen=True, kw_only=True, eq=False)
class Study(resolved.ResolvedStudy):
    """A resolved study that can be run and evaluated."""

    def run(
        self, out: str | Path | None = None, *, explain: bool = False
    ) -> RunResult | GroundResult | FrontResult | SearchRun | PlanResult:
        """Search the design space and return the result.

        A ground study returns its options, a pareto study its front, a plan study its plan.

        Parameters
        ----------
        out : str or Path, optional
            Write the run folder there as well, and hold the result against the certificates beside it. A search by
            trials keeps its trials there, goes on with those it has, and can not do without.
        explain : bool
            Of a search for one design: say in ``explanation`` what the optimum is made of, or in ``conflict`` why there
            is none. It takes up to ten seconds more.

        Raises
        ------
        DawnduskError
            ``CertificateError`` if a feasible design beats a bound that was proved, now or in an earlier run.
        """
        if self.kind is resolved.Kind.GROUND:
            refuse_ground_folder(out)
            return ground_options(self)
        if self.kind is resolved.Kind.PLAN:
            return plan(self, out=out)
        if self.search.goes_by_trials:
            return _by_trials(self, out)
        if out is not None:
            check_target(Path(out))
        if self.kind is resolved.Kind.PARETO:
            return _front(self, out)
        result = run_design(self, explain=explain)
        if out is not None:
            keep_run(result, Path(out))
        return result

    def nominal_design(self, satellites: int | None = None) -> Design:
        """Return the design with every variable at its nominal value; satellites as many as the demand asks for.

        Parameters
        ----------
        satellites : int, optional
            Used instead where the satellites follow the demand.
        """
        return nominal_design(self) if satellites is None else super().nominal_design(satellites)

    def evaluate(self, design: Design | None = None, **variables: Any) -> Evaluated:
        """Evaluate one design: the nominal one, or ``design``, with some variables changed.

        Where the satellites follow the demand, the nominal design has as many as its other variables ask for.
        A ground study has no design: ``run`` gives its options.
        """
        if self.kind is resolved.Kind.GROUND:
            raise DesignError(f"{self.source}: kind: found ground, which has no design; allowed: run()")
        self.check_has_design("run()")
        if design is None:
            return evaluate_design(self, nominal_design(self, **variables))
        return evaluate_design(self, design.replace(**variables))

    def evaluate_batch(self, designs: DesignBatch | Sequence[Design] | pd.DataFrame) -> EvaluatedBatch:
        """Evaluate N designs at once: a batch, a sequence, or a table with a column for each variable."""
        self.check_has_design()
        return EvaluatedBatch(problem_of(self).score(as_batch(designs)))


def _by_trials(study: Study, out: str | Path | None) -> SearchRun:
    from dawndusk.studies.run.trials.runner import run_search  # noqa: PLC0415 (brings Optuna along)

    if out is None:
        raise DesignError(f"{study.source}: found a search by trials without a run folder; allowed: run(out=FOLDER)")
    return run_search(study, Path(out))


def _front(study: Study, out: str | Path | None) -> FrontResult:
    from dawndusk.studies.output.folders.front import keep_front  # noqa: PLC0415 (only for a front)
    from dawndusk.studies.run.front.runner import check_front_target, run_front  # noqa: PLC0415 (only for a front)

    if out is not None:
        check_front_target(study, Path(out))
    result = run_front(study)
    if out is not None:
        keep_front(result, Path(out))
    return result


def load(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Study:
    """Return a study by library name, path or mapping.

    Parameters
    ----------
    source : str, Path or mapping
        A name of the library, the path of a YAML or JSON file, or the content of one as a mapping.
    overrides : sequence of str
        ``--set`` items, for example ``"assumptions.launch.programme_share=0.3"``.

    Raises
    ------
    DawnduskError
        With what was found, where, what is allowed and the nearest valid name.
    """
    if not isinstance(source, str | Path | Mapping):
        raise DesignError(f"study: found {source!r}; allowed: a library name, a path or a mapping")
    _check_overrides(overrides)
    known = study_from_mapping(source, overrides) if isinstance(source, Mapping) else read_study(source, overrides)
    return Study(**{f.name: getattr(known, f.name) for f in dataclasses.fields(known)})


def _check_overrides(overrides: Sequence[str]) -> None:
    if isinstance(overrides, str) or not all(isinstance(item, str) for item in overrides):
        raise DesignError(f"overrides: found {overrides!r}; allowed: a list of texts such as 'design.altitude_km=900'")


def _loaded(study: str | Path | Mapping[str, Any] | Study, overrides: Sequence[str]) -> Study:
    """Return a study that may be loaded already, but then takes no overrides."""
    if not isinstance(study, Study):
        return load(study, overrides)
    if overrides:
        raise DesignError("overrides: a loaded study can not be changed; give them to load()")
    return study


def evaluate(
    study: str | Path | Mapping[str, Any] | Study,
    design: Design | None = None,
    *,
    overrides: Sequence[str] = (),
    **variables: Any,
) -> Evaluated:
    """Evaluate one design of a study; see ``Study.evaluate`` and, for many designs, ``Study.evaluate_batch``."""
    return _loaded(study, overrides).evaluate(design, **variables)


def certify(
    study: str | Path | Mapping[str, Any] | Study,
    gap: float = 1e-3,
    *,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    explain: bool = False,
    **options: Any,
) -> RunResult:
    """Find the best design of a study and prove how much better any other may be.

    Parameters
    ----------
    study : str, Path, mapping or Study
        As in ``load``.
    gap : float
        Relative distance between objective and bound to be proved, above 0 and below 1.
    overrides : sequence of str
        ``--set`` items; not for a loaded study.
    out : str or Path, optional
        Write the run folder there as well.
    explain : bool
        Say in ``explanation`` what binding limits are worth, what the runners-up cost and how flat the optimum is, or
        in ``conflict`` what can not be met together.
    **options
        Other keys of the section ``search``: ``time_limit_s``, ``seed``, ``audit``, ``second_bound``.

    Returns
    -------
    RunResult
        With ``status``, ``design``, ``objective``, ``bound``, ``gap``, ``audit`` and ``to_dict()``. The status is
        ``optimal`` where the gap was closed in time.

    Raises
    ------
    DawnduskError
        For bad input; ``CertificateError`` if a feasible design beats a bound that was proved.
    """
    _check_overrides(overrides)
    wanted = {"engine": Engine.CERTIFIED, "gap": gap, **options}
    items = [f"search.{key}={_as_text(value)}" for key, value in wanted.items()]
    if isinstance(study, Study):
        asked = load(_loaded(study, overrides).resolved, items)
    else:
        asked = load(study, [*overrides, *items])
    if asked.kind is not resolved.Kind.DESIGN:
        raise DesignError(f"{asked.source}: kind: found {asked.kind.value}; certify needs kind design")
    result = asked.run(out, explain=explain)
    assert isinstance(result, RunResult)
    return result


def pareto(
    study: str | Path | Mapping[str, Any] | Study,
    minimise: Sequence[str] = (),
    maximise: Sequence[str] = (),
    *,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
) -> FrontResult:
    """Search the front of a study between two to five goals.

    Parameters
    ----------
    study : str, Path, mapping or Study
        As in ``load``.
    minimise, maximise : sequence of str
        Outcomes; those of the study where none are given.
    overrides : sequence of str
        ``--set`` items, for example ``"front.spacing=0.05"``; not for a loaded study.
    out : str or Path, optional
        Write the run folder there as well.

    Returns
    -------
    FrontResult
        With ``front``, ``to_frame()`` and ``to_dict()``.
    """
    _check_overrides(overrides)
    goals = [
        f"{sense}=[{', '.join(names)}]" for sense, names in (("minimise", minimise), ("maximise", maximise)) if names
    ]
    given = _loaded(study, overrides).resolved if isinstance(study, Study) else study
    asked = load(given, ["kind=pareto", *goals, *overrides])
    if asked.search.goes_by_trials:
        raise DesignError(f"{asked.source}: search: found a search by trials; allowed: load(...).run(out=FOLDER)")
    return _front(asked, out)


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def milp_model(
    study: str | Path | Mapping[str, Any] | Study,
    combination: Mapping[str, str] | None = None,
    *,
    overrides: Sequence[str] = (),
) -> Any:
    """Return the mixed-integer linear model of a study for one combination of categories, as a Pyomo model.

    Its optimum is a bound: no design of that combination is better. ``model.quantity`` has the design variables and
    outcomes for rows of your own, those named ``log_...`` by their logarithm; at the optimum that of the objective is
    the bound. ``model.rule`` has the rules and bounds of the study. ``model.score``, which is made small, is the
    objective or its logarithm, with the opposite sign where the study makes it large.

    Parameters
    ----------
    study : str, Path, mapping or Study
        As in ``load``.
    combination : mapping of str to str, optional
        Names of some categories or all, for example ``{"vehicle": "starship_v3"}``; the first of the study otherwise.
    overrides : sequence of str
        ``--set`` items; not for a loaded study.
    """
    from dawndusk.studies.run.design.milp_model import model_of  # noqa: PLC0415 (brings Pyomo along)

    return model_of(_loaded(study, overrides), combination)


def plan(
    study: str | Path | Mapping[str, Any] | Study,
    *,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    explain: bool = False,
    slips: Sequence[tuple[str, float]] = (),
    why_not: Sequence[str] = (),
) -> PlanResult:
    """Plan a fleet over the years, with a bound that no plan betters.

    Parameters
    ----------
    study : str, Path, mapping or Study
        A study of kind ``plan``, as in ``load``.
    overrides : sequence of str
        ``--set`` items, for example ``"plan.gap=0.01"``; not for a loaded study.
    out : str or Path, optional
        Write the folder of the plan there as well.
    explain : bool
        Whether to say what limits are worth, or why there is no plan.
    slips : sequence of (str, float)
        Vehicles and years: what changes if each of them comes so much later.
    why_not : sequence of str
        What a choice would cost, for example ``"vehicle=falcon_9>=10@2030-2032"``.

    Returns
    -------
    PlanResult
        With ``status``, ``objective``, ``bound``, ``gap``, ``plan``, ``alternatives``, ``to_frame()`` and
        ``to_dict()``.
    """
    from dawndusk.studies.output.folders.plan import check_plan_target, write_plan  # noqa: PLC0415 (brings Pyomo along)
    from dawndusk.studies.run.plan.reading import read_plan  # noqa: PLC0415 (the same)
    from dawndusk.studies.run.plan.runner import run_plan  # noqa: PLC0415 (the same)

    question = read_plan(_loaded(study, overrides))
    if out is not None:
        check_plan_target(Path(out))
    result = run_plan(question, explain=explain, slips=slips, choices=why_not)
    if out is not None:
        write_plan(result, Path(out))
    return result


def plan_model(study: str | Path | Mapping[str, Any] | Study, *, overrides: Sequence[str] = ()) -> Any:
    """Return the mixed-integer model of a plan in Pyomo, for rows of your own or as a block of a larger model.

    Its optimum bounds the exact objective of every plan. ``model.launches`` is what flies by vehicle, orbit and period,
    ``model.share`` the launches that a design fills by design, vehicle and period, ``model.arrived`` satellites that
    arrive in thousands by design and period, ``model.ground`` capacity on the ground; ``model.cost`` is money in units
    of ``model.money_unit`` USD, and each rule is a constraint of its name. For ``lcoc`` set ``model.worth_price`` to a
    trial value of the levelised cost in units of ``money_unit`` per ``worth_unit``.

    Parameters
    ----------
    study : str, Path, mapping or Study
        A study of kind ``plan``, as in ``load``.
    overrides : sequence of str
        ``--set`` items; not for a loaded study.
    """
    from dawndusk.studies.run.plan.reading import read_plan  # noqa: PLC0415 (brings Pyomo along)
    from dawndusk.studies.run.plan.runner import plan_model as model_of  # noqa: PLC0415 (the same)

    return model_of(read_plan(_loaded(study, overrides)))


__all__ = [
    "EvaluatedBatch",
    "Study",
    "as_batch",
    "certify",
    "evaluate",
    "load",
    "milp_model",
    "pareto",
    "plan",
    "plan_model",
]
