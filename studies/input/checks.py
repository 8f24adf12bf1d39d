"""Checks of a study: one file against the schema, and the merged study against itself and the data.

Every check gathers all it finds and says for each where it was written, be it in the file, in one that it
extends, or in a ``--set`` item.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.catalogue import CATALOGUES
from dawndusk.models.design import CATEGORIES, VARIABLES
from dawndusk.models.errors import nearest, one_of
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.settings import Engine
from dawndusk.studies.input import schema
from dawndusk.studies.input.document import DocumentNode, Loc, describe, dotted
from dawndusk.studies.input.errors import StudyProblem
from dawndusk.studies.input.schema import DEMANDS, FOLLOW_DEMAND, MOST_GOALS, OBJECTIVES, PRICE, RangeSection, StudyFile
from dawndusk.studies.input.search_section import EVALUATORS, YEAR
from dawndusk.studies.input.study import Bound, Kind, SamplerName
from dawndusk.studies.input.values import MISFIT, parse_bound

VERSION_KEYS = {"schema", "schema_version", "version"}
VERSION_HINT = " (a study has no version; perhaps a newer dawndusk wrote it)"
MAPPING_ERRORS = {"model_type", "model_attributes_type", "dict_type"}
LIST_ERRORS = {"tuple_type", "list_type"}
EXACT = tuple(engine for engine in Engine if engine.proves)
"""Engines that work on the recorded physics of the built-in model."""
PARETO_HINT = " (kind: pareto has several)"
EXAMPLE_CAP, EXAMPLE_FLOOR = "capex_usd <= 5e9", "delivered_pflops >= 1000"


def problem_at(tree: DocumentNode, loc: Loc, found: str, allowed: str, hint: str = "") -> StudyProblem:
    """Return a problem with the value at ``loc``, placed at the nearest thing that was written."""
    _, place = tree.follow(loc)
    return StudyProblem(place=place, key=dotted(loc), found=found, allowed=allowed, hint=hint)


def validate(tree: DocumentNode) -> tuple[StudyFile | None, list[StudyProblem]]:
    """Return what a file says, or every place where it breaks the schema."""
    if not isinstance(tree.value, Mapping):
        found = "an empty file" if tree.value is None else describe(tree.plain())
        return None, [problem_at(tree, (), found, _a_mapping(()))]
    try:
        return StudyFile.model_validate(tree.plain()), []
    except ValidationError as error:
        problems = [_schema_problem(dict(e), tree) for e in error.errors(include_url=False)]
        return None, sorted(problems, key=lambda problem: problem.place.line)


def _schema_problem(error: dict[str, Any], tree: DocumentNode) -> StudyProblem:
    loc, _ = tree.follow(error["loc"])
    kind, found = error["type"], describe(error["input"])
    if kind == MISFIT:
        context = error["ctx"]
        loc = (*loc, context["key"]) if context["key"] != "" else loc
        return problem_at(tree, loc, context["found"] or found, context["allowed"], context["hint"])
    if kind == "extra_forbidden":
        return _unknown_key(tree, loc)
    if kind == "missing":
        loc = (*loc, error["loc"][-1])
        return problem_at(tree, loc, "nothing", schema.help_text(loc).rstrip("."))
    if kind in MAPPING_ERRORS:
        return problem_at(tree, loc, found, _a_mapping(loc))
    allowed = "a list, each item with a dash" if kind in LIST_ERRORS else str(error["msg"])
    return problem_at(tree, loc, found, allowed)


def _a_mapping(loc: Loc) -> str:
    keys = schema.allowed_keys(loc)
    return f"a mapping with the keys {one_of(keys)}" if keys else "a mapping from names to mappings"


def _unknown_key(tree: DocumentNode, loc: Loc) -> StudyProblem:
    key, keys = str(loc[-1]), schema.allowed_keys(loc[:-1])
    if len(loc) == 1 and key in VERSION_KEYS:
        hint = VERSION_HINT
    else:
        elsewhere = [path for path in schema.paths_to(key) if loc[0] != "plan" or path.startswith("plan.")]
        hint = f" (did you mean '{elsewhere[0]}'?)" if elsewhere else nearest(key, keys)
    return problem_at(tree, loc, "an unknown key", one_of(keys), hint)


def study_problems(tree: DocumentNode, file: StudyFile, shipped: Assumptions) -> list[StudyProblem]:
    """Return everything that is missing, unknown or contradictory in a study that the schema accepts."""
    every = [
        *_incomplete_rows(tree, file, shipped),
        *_incomplete_design(tree, file),
        *_unknown_names(tree, file, shipped),
    ]
    if file.kind is Kind.PLAN:
        return every
    return [
        *_goals(tree, file),
        *every,
        *_demand_to_follow(tree, file),
        *_sales_without_price(tree, file),
        *_fleet_without_measure(tree, file),
        *_contradictory_bounds(tree, file),
        *_engine_and_question(tree, file),
        *_evaluator_without_program(tree, file),
        *_strategy_without_choice(tree, file),
        *_workers_beside_cluster(tree, file),
    ]


def _goals(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    """Find a study without a goal, with too many for its kind, or with the same outcome twice."""
    goals = file.goals
    if not goals:
        yield problem_at(tree, ("minimise",), "nothing", f"an outcome under one of {one_of(OBJECTIVES)}")
        return
    names = [goal.outcome for goal in goals]
    last: Loc = (goals[-1].sense,)
    if len(set(names)) < len(names):
        yield problem_at(tree, last, f"{describe(names[-1])} under both {' and '.join(OBJECTIVES)}", "it under one")
    if file.kind is Kind.PARETO:
        if not 2 <= len(goals) <= MOST_GOALS:  # noqa: PLR2004 (a front is between two at least)
            found = f"{len(goals)} for kind pareto: {one_of(map(describe, names))}"
            allowed = f"2 to {MOST_GOALS} outcomes under {' and '.join(OBJECTIVES)} together"
            yield problem_at(tree, last, found, allowed)
    elif file.minimise and file.maximise:
        yield problem_at(tree, last, f"both {' and '.join(OBJECTIVES)}", f"one of {one_of(OBJECTIVES)}", PARETO_HINT)
    elif len(goals) > 1:
        yield problem_at(tree, last, f"{len(goals)} outcomes for kind {file.kind}", "one outcome", PARETO_HINT)


def _incomplete_rows(tree: DocumentNode, file: StudyFile, shipped: Assumptions) -> Iterator[StudyProblem]:
    """Find rows that are neither shipped nor complete."""
    for catalogue in CATALOGUES:
        known = getattr(shipped, catalogue)
        for name, row in getattr(file.assumptions, catalogue).items():
            missing = [field for field in type(row).model_fields if getattr(row, field) is None]
            if name not in known and missing:
                found = f"an unknown name without {one_of(missing)}"
                allowed = f"{one_of(known)}, or a new row with every field"
                yield problem_at(tree, ("assumptions", catalogue, name), found, allowed, nearest(name, known))


def _incomplete_design(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    for name in VARIABLES:
        value = getattr(file.design, name)
        if value is None:
            loc: Loc = ("design", name)
            yield StudyProblem(
                place=tree.place, key=dotted(loc), found="nothing", allowed=schema.help_text(loc).rstrip(".")
            )
        elif isinstance(value, RangeSection):
            for end in ("low", "high"):
                if getattr(value, end) is None:
                    allowed = f"{schema.domain_of(VARIABLES[name])} (no range is inherited that could supply it)"
                    yield problem_at(tree, ("design", name, end), "nothing", allowed)


def names_in(catalogue: str, file: StudyFile, shipped: Assumptions) -> list[str]:
    """Return the names of a catalogue: the shipped ones and those that the study adds."""
    return list(dict.fromkeys([*getattr(shipped, catalogue), *getattr(file.assumptions, catalogue)]))


def _unknown_names(tree: DocumentNode, file: StudyFile, shipped: Assumptions) -> Iterator[StudyProblem]:
    for loc, name, catalogue in _names_used(file):
        names = names_in(catalogue, file, shipped)
        if name not in names:
            yield problem_at(tree, loc, describe(name), one_of(names), nearest(name, names))


def _names_used(file: StudyFile) -> Iterator[tuple[Loc, str, str]]:
    """Yield every name of a catalogue row with its place and its catalogue."""
    for run in ("workload", "training_run"):
        if (name := getattr(file, run)) is not None:
            yield (run,), name, f"{run}s"
    for variable in CATEGORIES:
        value = getattr(file.design, variable)
        catalogue = VARIABLES[variable].catalogue
        if isinstance(value, str):
            yield ("design", variable), value, catalogue
        elif value is not None:
            yield from ((("design", variable, index), name, catalogue) for index, name in enumerate(value))


def _demand_to_follow(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    if getattr(file.design, "satellites") == FOLLOW_DEMAND and not _demand(file):  # noqa: B009 (made at run time)
        allowed = f"a number or a range, or a demand to follow: {one_of(f'demand.{name}' for name in DEMANDS)}"
        yield problem_at(tree, ("design", "satellites"), "'demand' in a study without a demand", allowed)


def _demand(file: StudyFile) -> dict[str, float]:
    return {name: value for name in DEMANDS if (value := getattr(file.demand, name)) is not None}


def _sales_without_price(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    """Find an objective and bounds that speak of sales in a study that states no price."""
    if file.demand.price_usd_per_pflop_hour is not None:
        return
    spoken: list[tuple[Loc, str]] = [((goal.sense,), goal.outcome) for goal in file.goals]
    spoken += [(("subject_to", index), parse_bound(text).outcome) for index, text in enumerate(file.subject_to)]
    for loc, name in spoken:
        if OUTCOMES[name].extent == "sale":
            allowed = f"it beside the price at which compute is sold, demand.{PRICE}, or another outcome"
            yield problem_at(tree, loc, f"{describe(name)} in a study without a price", allowed)


def _fleet_without_measure(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    """Find an objective that drives the number of satellites to an end of its range, with nothing against it."""
    searched = isinstance(getattr(file.design, "satellites"), RangeSection)  # noqa: B009 (made at run time)
    if not searched or _demand(file) or file.demand.price_usd_per_pflop_hour is not None:
        return
    bounds = [parse_bound(text) for text in file.subject_to]
    drives = [-OUTCOMES[goal.outcome].fleet_sign * round(goal.sign) for goal in file.goals]
    if min(drives, default=0) < 0 < max(drives, default=0):  # goals that pull the fleet both ways have a front
        return
    for (name, sense), drive in zip(((goal.outcome, goal.sense) for goal in file.goals), drives, strict=True):
        if drive > 0 and not any(map(_caps_fleet, bounds)):
            found = f"{describe(name)}, which is unbounded: every further satellite betters it, and nothing caps them"
            yield problem_at(tree, (sense,), found, _measure("caps the fleet", EXAMPLE_CAP))
        if drive < 0 and not any(map(_asks_for_fleet, bounds)):
            found = f"{describe(name)}, which the fewest satellites make best, and nothing asks for more"
            yield problem_at(tree, (sense,), found, _measure("asks for compute", EXAMPLE_FLOOR))


def _measure(what: str, example: str) -> str:
    """Return what gives the size of a fleet that is searched."""
    demands = one_of(f"demand.{name}" for name in DEMANDS)
    return (
        f"it with a demand ({demands}), a price (demand.{PRICE}), a bound that {what} (subject_to: [{example}]), "
        "or a fixed number of satellites"
    )


def _caps_fleet(bound: Bound) -> bool:
    sign = OUTCOMES[bound.outcome].fleet_sign
    return sign != 0 and bound.is_upper == (sign > 0)


def _asks_for_fleet(bound: Bound) -> bool:
    outcome = OUTCOMES[bound.outcome]
    return outcome.asks_for_compute and bound.is_upper == (outcome.fleet_sign < 0)


def _contradictory_bounds(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    """Find bounds that no value meets, the demand being a lower bound, and bounds that are stated twice.

    A demand for delivered compute is an upper bound as well: what is delivered beyond it does not count.
    """
    demand = {f"demand.{name} = {value!r}": (name, value) for name, value in _demand(file).items()}
    earlier = [(Bound(name, ">=", value), text) for text, (name, value) in demand.items()]
    capped = [(Bound(name, "<=", value), text) for text, (name, value) in demand.items() if name == "delivered_pflops"]
    for index, text in enumerate(file.subject_to):
        loc: Loc = ("subject_to", index)
        bound = parse_bound(text)
        for other, other_text in (*earlier, *capped):
            if (other, other_text) in earlier and bound == other:
                yield problem_at(tree, loc, f"{describe(text)} twice", "each bound once")
            elif not _compatible(bound, other):
                found = f"{describe(text)}, which contradicts {describe(other_text)}"
                yield problem_at(tree, loc, found, "bounds that some value meets")
        earlier.append((bound, text))


def _compatible(one: Bound, other: Bound) -> bool:
    if one.outcome != other.outcome or one.is_upper == other.is_upper:
        return True
    upper, lower = (one, other) if one.is_upper else (other, one)
    return upper.limit >= lower.limit


def has_evaluator(file: StudyFile) -> bool:
    """Return whether a study names what answers a design in place of the built-in model."""
    return any(getattr(file.search.evaluator, key) for key in EVALUATORS)


def has_strategy(file: StudyFile) -> bool:
    """Return whether a study asks for an outer search."""
    return bool(file.search.strategy.variables or file.search.strategy.first_launch_year.model_fields_set)


def _engine_and_question(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    """Find an engine or a sampler that can not answer what is asked."""
    search, several = file.search, len(file.goals) > 1
    evaluator, strategy = has_evaluator(file), has_strategy(file)
    loc: Loc = ("search", "engine")
    found = describe(str(search.engine))
    by_trials = one_of(engine for engine in Engine if engine not in EXACT)
    if evaluator and search.engine in EXACT:
        allowed = f"one of {by_trials}: nothing can be proved of an evaluator that is not the built-in model"
        yield problem_at(tree, loc, f"{found} with search.evaluator", allowed)
    if strategy and search.engine in EXACT:
        allowed = f"one of {by_trials} for the outer search; search.strategy.inner names the inner engine"
        yield problem_at(tree, loc, f"{found} with search.strategy", allowed)
    if strategy and evaluator:
        loc = ("search", "strategy")
        yield problem_at(tree, loc, "both search.strategy and search.evaluator", "one of the two")
    if strategy and several:
        allowed = "one goal: the inner optimisation has a single objective"
        yield problem_at(tree, ("search", "strategy"), f"search.strategy with {len(file.goals)} goals", allowed)
    if file.kind is Kind.PARETO and search.engine is Engine.MILP:
        allowed = f"one of {one_of(engine for engine in Engine if engine is not Engine.MILP)}"
        yield problem_at(tree, ("search", "engine"), f"{found} for kind pareto", allowed)
    if several and search.sampler is SamplerName.CMAES:
        allowed = f"one of {one_of(name for name in SamplerName if name is not SamplerName.CMAES)}"
        yield problem_at(tree, ("search", "sampler"), f"'cmaes' with {len(file.goals)} goals", allowed)


def _evaluator_without_program(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    if file.search.evaluator.model_fields_set and not has_evaluator(file):
        yield problem_at(tree, ("search", "evaluator"), "neither command nor function", f"one of {one_of(EVALUATORS)}")


def _strategy_without_choice(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    """Find an outer search that has nothing to choose, or variables that the study fixes."""
    strategy = file.search.strategy
    if strategy.model_fields_set and not has_strategy(file):
        allowed = "some of search.strategy.variables, or a range of search.strategy.first_launch_year"
        yield problem_at(tree, ("search", "strategy"), "an outer search that has nothing to choose", allowed)
    for end in ("low", "high"):
        if strategy.first_launch_year.model_fields_set and getattr(strategy.first_launch_year, end) is None:
            loc: Loc = ("search", "strategy", "first_launch_year", end)
            yield problem_at(tree, loc, "nothing", str(YEAR))
    open_ones = [name for name in VARIABLES if _is_open(getattr(file.design, name))]
    for index, name in enumerate(strategy.variables):
        if name not in open_ones:
            loc = ("search", "strategy", "variables", index)
            yield problem_at(tree, loc, f"{describe(name)}, which the study does not leave open", one_of(open_ones))


def _is_open(entry: object) -> bool:
    return isinstance(entry, RangeSection) or (isinstance(entry, tuple) and len(entry) > 1)


def _workers_beside_cluster(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    if file.search.workers is not None and file.search.cluster is not None:
        found = f"{file.search.workers} beside search.cluster"
        yield problem_at(tree, ("search", "workers"), found, "one of search.workers and search.cluster")
