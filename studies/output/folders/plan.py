"""The folder of a plan: tables, manifest of every launch, cash flow, workbook, pictures, and where it came from."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from dawndusk.models.errors import MissingExtraError, one_of
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.studies.input.errors import Place, StudyError, StudyProblem
from dawndusk.studies.output.pictures.plan import PICTURES, draw
from dawndusk.studies.run.folder.writing import (
    MANIFEST,
    STUDY,
    RunFolderError,
    check_target,
    write_finished,
)
from dawndusk.studies.run.plan.asked.front import front_table
from dawndusk.studies.run.plan.asked.uncertainty import first_stage_table, scenario_table
from dawndusk.studies.run.plan.asked.valuation import sensitivity_table, valuation_table
from dawndusk.studies.run.plan.growing import designs_table
from dawndusk.studies.run.plan.question import PlanStudy
from dawndusk.studies.run.plan.result import PlanResult
from dawndusk.studies.run.plan.tables import cash_table, manifest_table, plan_table, service_table

if TYPE_CHECKING:
    import pandas as pd

MARK, WORKBOOK = "plan.json", "plan.xlsx"
"""The first is there in every folder of a plan."""
FORMATS = (".lp", ".mps")
HASH_LETTERS = 8
STRANGERS_NAMED = 3
OF_THE_PLAN = ("plan", "manifest", "cash_flow", "service", "valuation", "sensitivity")
ASKED = ("front", "scenarios", "first_stage", "alternatives", "new_designs", "break_even", "break_even_map")
KNOWN = {
    *(f"{name}{ending}" for name in (*OF_THE_PLAN, *ASKED) for ending in (".parquet", ".csv")),
    *(f"{name}.svg" for name in PICTURES),
    *(MARK, WORKBOOK, MANIFEST, STUDY),
}
"""Every file that the folder of a plan may hold."""


def default_plan_folder(question: PlanStudy) -> Path:
    """Return ``runs/NAME-HASH``, so that the same question always has the same folder."""
    return Path("runs") / f"{question.name}-{question.hash[:HASH_LETTERS]}"


def check_plan_target(folder: Path) -> None:
    """Raise ``RunFolderError`` if a plan can not go to ``folder``; call it before a long solve."""
    names = _names_in(folder)
    if not names:
        check_target(folder)
        return
    strangers = sorted(names - KNOWN)
    if strangers or MARK not in names:
        found = one_of(strangers[:STRANGERS_NAMED]) or f"no {MARK}"
        raise RunFolderError(
            f"{folder}: found a folder with other files ({found}); allowed: a new folder or that of a plan"
        )


def _names_in(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()} if folder.is_dir() and not folder.is_symlink() else set()
    except (OSError, ValueError):
        return set()


def tables_of(result: PlanResult) -> dict[str, pd.DataFrame]:
    """Return every table of a plan by name; where there is no plan, those that need none."""
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    content = result.to_dict()
    tables: dict[str, pd.DataFrame] = {}
    if result.plan is not None:
        problem, plan = result.planned.problem, result.plan
        tables = {
            "plan": plan_table(problem, plan),
            "manifest": manifest_table(problem, plan),
            "cash_flow": cash_table(problem, plan),
            "service": service_table(problem, plan),
            "valuation": valuation_table(problem, plan),
            "sensitivity": sensitivity_table(problem, plan),
        }
        if result.front:
            tables["front"] = front_table(result.front)
        if result.hedged is not None:
            tables["scenarios"] = scenario_table(result.hedged)
            tables["first_stage"] = first_stage_table(result.question, result.hedged, plan)
    if result.generated is not None:
        tables["new_designs"] = designs_table(result.generated)
    for name in ("alternatives", "break_even", "break_even_map"):
        if name in content:
            tables[name] = pd.DataFrame(content[name])
    return tables


def write_plan(result: PlanResult, folder: Path, *, pictures: bool | None = None) -> Path:
    """Write the folder of a plan, whole or not at all; an older one of a plan is replaced.

    Parameters
    ----------
    pictures : bool, optional
        Whether to draw; by default where matplotlib is installed.

    Raises
    ------
    RunFolderError
        Where the folder can not be written or holds something else.
    MissingExtraError
        Where pictures are asked for without matplotlib.
    """
    check_plan_target(folder)
    wanted = importlib.util.find_spec("matplotlib") is not None if pictures is None else pictures
    tables = tables_of(result)

    def workbook_and_pictures(fresh: Path) -> None:
        if importlib.util.find_spec("openpyxl") is not None and tables:
            write_workbook(result, fresh / WORKBOOK)
        if wanted:
            draw(result, fresh)

    return write_finished(
        result,
        result.question.spelt_out,
        folder,
        tables=tables,
        documents={MARK: {**result.to_dict(), "hash": result.question.hash}},
        more=workbook_and_pictures,
        engine="plan",
    )


def write_workbook(result: PlanResult, file: Path) -> Path:
    """Write every table of a plan as a workbook with a sheet each."""
    if importlib.util.find_spec("openpyxl") is None:
        raise MissingExtraError("workbook", "openpyxl", "export")
    from dawndusk.studies.output.exports.workbook import fill_workbook  # noqa: PLC0415 (an extra)

    return fill_workbook(result, tables_of(result), file)


def export_plan_model(question: PlanStudy, file: Path) -> Path:
    """Write the mixed-integer model of a plan as ``.lp`` or ``.mps``, with the names of its rules."""
    if file.suffix not in FORMATS:
        place = Place(str(file))
        raise StudyError(
            StudyProblem(place=place, key="", found=f"the ending {file.suffix!r}", allowed=", ".join(FORMATS))
        )
    try:
        plan_model(question.problem).write(str(file), io_options={"symbolic_solver_labels": True})
    except OSError as error:
        raise RunFolderError(f"{file}: can not be written: {error.strerror or error}") from None
    return file
