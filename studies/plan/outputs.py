"""The folder of a plan: tables, manifest of every launch, cash flow, workbook, pictures, model."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dawndusk.models.errors import MissingExtraError
from dawndusk.optimize.plan.model import plan_model
from dawndusk.studies.plan.pictures import draw
from dawndusk.studies.plan.question import PlanStudy
from dawndusk.studies.plan.result import PlanResult
from dawndusk.studies.plan.tables import cash_table, manifest_table, plan_table, service_table
from dawndusk.studies.plan.valuation import sensitivity_table, valuation_table
from dawndusk.studies.runs.runfolder import RunFolderError, write_json
from dawndusk.studies.statement.document import write_text
from dawndusk.studies.statement.errors import Place, Problem, StudyError
from dawndusk.studies.statement.identity import model_version

if TYPE_CHECKING:
    import pandas as pd

MARK = "plan.json"
"""There in every folder of a plan."""
FORMATS = (".lp", ".mps")
HASH_LETTERS = 8
READABLE_BY_ALL = 0o755
TABLES = ("plan", "manifest", "cash_flow", "service", "valuation", "sensitivity")


def default_plan_folder(question: PlanStudy) -> Path:
    """Return ``runs/NAME-HASH``, so that the same question always has the same folder."""
    return Path("runs") / f"{question.name}-{question.hash[:HASH_LETTERS]}"


def check_plan_target(folder: Path) -> None:
    """Raise ``RunFolderError`` if a plan can not go to ``folder``; call it before a long solve."""
    if folder.exists() and not folder.is_dir():
        raise RunFolderError(f"{folder}: found something that is not a folder; allowed: a new folder or that of a plan")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise RunFolderError(f"{folder}: found a folder with other files; allowed: a new folder or that of a plan")


def tables_of(result: PlanResult) -> dict[str, pd.DataFrame]:
    """Return every table of a plan by name; none where there is no plan."""
    if result.plan is None:
        return {}
    problem, plan = result.planned.problem, result.plan
    return {
        "plan": plan_table(problem, plan),
        "manifest": manifest_table(problem, plan),
        "cash_flow": cash_table(problem, plan),
        "service": service_table(problem, plan),
        "valuation": valuation_table(problem, plan),
        "sensitivity": sensitivity_table(problem, plan),
    }


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
    folder = folder.absolute()
    wanted = importlib.util.find_spec("matplotlib") is not None if pictures is None else pictures
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".dawndusk-", dir=folder.parent))
    except OSError as error:
        raise RunFolderError(f"{folder}: can not be written: {error.strerror or error}") from None
    try:
        fresh.chmod(READABLE_BY_ALL)
        _fill(result, fresh, pictures=wanted)
        if folder.exists():
            shutil.rmtree(folder)
        fresh.replace(folder)
    except OSError as error:
        raise RunFolderError(f"{folder}: can not be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _fill(result: PlanResult, folder: Path, *, pictures: bool) -> None:
    tables = tables_of(result)
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
        table.to_csv(folder / f"{name}.csv", index=False)
    if importlib.util.find_spec("openpyxl") is not None and tables:
        write_workbook(result, folder / "plan.xlsx")
    if pictures and result.plan is not None:
        draw(result.planned.problem, result.plan, folder)
    (folder / "study.yaml").write_text(write_text(resolved(result.question)), encoding="utf-8")
    write_json(folder / MARK, {**result.to_dict(), "hash": result.question.hash, "model": model_version()})


def resolved(question: PlanStudy) -> dict[str, Any]:
    """Return the study of a plan as plain values that can be read again."""
    plan = _given(question.section.model_dump(mode="json", exclude_unset=True))
    return {**question.study.resolved, "kind": "plan", "plan": plan}


def _given(value: Any) -> Any:
    """Write paths as mappings from years, everything else as it is."""
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        if value and all(_is_point(item) for item in value):
            return {f"{year:g}": amount for year, amount in value}
        return [_given(item) for item in value]
    return value


def _is_point(item: Any) -> bool:
    pair = isinstance(item, list | tuple) and len(item) == 2  # noqa: PLR2004 (year and value)
    return pair and all(isinstance(number, float) for number in item)


def write_workbook(result: PlanResult, file: Path) -> Path:
    """Write every table of a plan as a workbook with a sheet each."""
    if importlib.util.find_spec("openpyxl") is None:
        raise MissingExtraError("workbook", "openpyxl", "export")
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    about = {key: value for key, value in result.to_dict().items() if not isinstance(value, list | dict)}
    summary = (result.to_dict()["summary"] or {}).items()
    about |= {key: value for key, value in summary if not isinstance(value, dict)}
    with pd.ExcelWriter(file, engine="openpyxl") as writer:
        pd.DataFrame({"what": list(about), "value": list(about.values())}).to_excel(
            writer, sheet_name="about", index=False
        )
        for name, table in tables_of(result).items():
            table.to_excel(writer, sheet_name=name, index=False, freeze_panes=(1, 1))
    return file


def export_plan_model(question: PlanStudy, file: Path) -> Path:
    """Write the mixed-integer model of a plan as ``.lp`` or ``.mps``, with the names of its rules."""
    if file.suffix not in FORMATS:
        place = Place(str(file))
        raise StudyError(Problem(place=place, key="", found=f"the ending {file.suffix!r}", allowed=", ".join(FORMATS)))
    try:
        plan_model(question.problem).write(str(file), io_options={"symbolic_solver_labels": True})
    except OSError as error:
        raise RunFolderError(f"{file}: can not be written: {error.strerror or error}") from None
    return file
