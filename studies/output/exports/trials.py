"""The trials of a search in the formats of other programs; of a search with several goals also a picture."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.heuristics.dominance import not_dominated
from dawndusk.optimize.problem import Goal
from dawndusk.studies.input.document import MAX_PLACE, shorten
from dawndusk.studies.output.exports.front import FrontExportError, described, format_of, netcdf, require, write_whole
from dawndusk.studies.output.pictures.front import draw_front
from dawndusk.studies.run.folder.reading import read_run
from dawndusk.studies.run.store.address import read_address
from dawndusk.studies.run.store.reading import check_version
from dawndusk.studies.run.trials.folder import BEGUN, Begun, read_begun
from dawndusk.studies.run.trials.questions import asked_of
from dawndusk.studies.run.trials.result import FRONT, PARQUET, evaluations
from dawndusk.studies.run.trials.tables import write_csv

if TYPE_CHECKING:
    import pandas as pd

MOST_CELLS = 1_000_000
"""Of a workbook: ten seconds of writing, and as much as a spreadsheet handles with ease."""
NUMBER, VIOLATION, FEASIBLE, ON_FRONT = "number", "violation", "feasible", "best"
OWN_COLUMNS = {
    NUMBER: ("count", "Number of the trial, from 0 in the order of asking."),
    "state": ("-", "complete, failed or pending."),
    VIOLATION: ("-", "Sum of the relative amounts by which rules are broken."),
    "broken": ("-", "The rules that are broken."),
    FEASIBLE: ("-", "Whether every rule is met."),
    "failure": ("-", "Kind of failure."),
    "words": ("-", "Why the evaluation failed."),
    ON_FRONT: ("-", "Whether the trial meets every rule and no other one is better in every goal."),
}


@dataclass(frozen=True)
class Exported:
    """A file that was written, and a sentence on what it leaves out, if anything."""

    path: Path
    left_out: str = ""


def export_trials(run_folder: Path, target: str) -> Exported:
    """Write the trials of a search as CSV, Parquet, JSON, XLSX or netCDF, or the picture of its front.

    Parameters
    ----------
    run_folder : pathlib.Path
        Of a search by trials, which may still be running.
    target : str
        The name of a format, for ``NAME-trials.ENDING`` in the working directory, or a file whose name ends like one.

    Raises
    ------
    DawnduskError
        For an unknown format, a library that is not installed, a picture of a search with one goal, trials that can
        not be read, or a file that can not be written.
    """
    begun = read_begun(run_folder)
    name, path = format_of(run_folder, target, "trials")
    check_version(read_address(begun.storage, run_folder), begun.name)
    goals = begun.study.goals
    if name in {"png", "svg"}:
        write_whole(path, functools.partial(_draw, content=_front_of(begun)))
        return Exported(path)
    frame = _marked(_trials(begun), goals)
    if name == "xlsx":
        fitting = _best_rows(frame, goals, MOST_CELLS // len(frame.columns))
        write_whole(path, functools.partial(_xlsx, frame=fitting, left_out=_left_out(frame, fitting)))
        return Exported(path, _left_out(frame, fitting))
    writers: dict[str, Callable[[Path], None]] = {
        "csv": functools.partial(write_csv, frame=frame),
        "parquet": functools.partial(frame.to_parquet, index=False),
        "json": functools.partial(_json, frame=frame, begun=begun),
        "netcdf": functools.partial(_netcdf, frame=frame, begun=begun),
    }
    write_whole(path, writers[name])
    return Exported(path)


def _trials(begun: Begun) -> pd.DataFrame:
    """Return the trials: from the table that the search wrote at its end, or from the store where it has not ended."""
    import pandas as pd  # noqa: PLC0415 (heavy)

    table = begun.folder / PARQUET
    if begun.manifest.get("status") == BEGUN or not table.is_file():
        is_told = begun.is_told or begun.study.search.evaluator is not None
        return evaluations(begun.folder, asked_of(begun.study, is_told=is_told))
    try:
        return pd.read_parquet(table)
    except (OSError, ValueError) as error:
        raise FrontExportError(f"{table}: can not be read: {error}; allowed: the file as the search wrote it") from None


def _marked(frame: pd.DataFrame, goals: tuple[Goal, ...]) -> pd.DataFrame:
    """Return trials with a column that says which are the best."""
    best = np.zeros(len(frame), dtype=np.bool_)
    feasible = np.flatnonzero(frame[FEASIBLE].to_numpy(dtype=np.bool_))
    if len(feasible):
        values = np.column_stack([goal.sign * frame[_column(frame, goal)].to_numpy()[feasible] for goal in goals])
        best[feasible[not_dominated(values)]] = True
    return frame.assign(**{ON_FRONT: best})


def _column(frame: pd.DataFrame, goal: Goal) -> str:
    """Return the column of a goal: it has a longer name where a searched variable is called like it."""
    longer = f"outcome.{goal.outcome}"
    return longer if longer in frame.columns else goal.outcome


def _best_rows(frame: pd.DataFrame, goals: tuple[Goal, ...], most: int) -> pd.DataFrame:
    """Return the best trials, as many as fit, in the order of their numbers: those on the front come first."""
    if len(frame) <= most:
        return frame
    first = goals[0].sign * frame[_column(frame, goals[0])].to_numpy()
    order = np.lexsort([first, frame[VIOLATION].to_numpy(), ~frame[ON_FRONT].to_numpy()])
    return frame.iloc[np.sort(order[:most])]


def _left_out(frame: pd.DataFrame, fitting: pd.DataFrame) -> str:
    if len(fitting) == len(frame):
        return ""
    return f"the best {len(fitting):,} of {len(frame):,} trials; csv, parquet, json and netcdf have all"


def _json(path: Path, *, frame: pd.DataFrame, begun: Begun) -> None:
    """Write what was asked, and a record for each trial."""
    head = json.dumps({"study": begun.study.name, "goals": _goals(begun), "seed": begun.study.search.seed})
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{head[:-1]}, "trials": ')
        frame.to_json(file, orient="records", double_precision=15)
        file.write("}\n")


def _goals(begun: Begun) -> list[dict[str, str]]:
    return [{"outcome": goal.outcome, "sense": goal.sense} for goal in begun.study.goals]


def _xlsx(path: Path, *, frame: pd.DataFrame, left_out: str) -> None:
    """Write the trials and the meaning of every column."""
    require("openpyxl", "XLSX")
    import openpyxl  # noqa: PLC0415 (an extra)

    book = openpyxl.Workbook(write_only=True)
    trials, columns = book.create_sheet("trials"), book.create_sheet("columns")
    trials.freeze_panes = "B2"
    trials.append(list(frame.columns))
    for row in zip(*(_cells(frame[name]) for name in frame.columns), strict=True):
        trials.append(row)
    columns.append(["column", "units", "meaning"])
    for name in frame.columns:
        columns.append([name, *described(str(name), OWN_COLUMNS)])
    if left_out:
        columns.append(["", "", f"This book has {left_out}."])
    book.save(path)


def _cells(column: pd.Series[Any]) -> list[Any]:
    """Return the values of a column for a spreadsheet, which has no infinity and nothing that is not a number."""
    if column.dtype.kind != "f":
        return [_text(value) if isinstance(value, str) else value for value in column.tolist()]
    finite = np.isfinite(column.to_numpy())
    return [value if has else None for value, has in zip(column.tolist(), finite.tolist(), strict=True)]


def _text(value: str) -> str:
    """Return text without what a workbook can not hold, never as a formula."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415 (an extra)

    plain = ILLEGAL_CHARACTERS_RE.sub(" ", value)
    return f"'{plain}" if plain.startswith("=") else plain


def _netcdf(path: Path, *, frame: pd.DataFrame, begun: Begun) -> None:
    goals = ", ".join(f"{goal.sense} {goal.outcome}" for goal in begun.study.goals)
    netcdf(path, frame, "trial", {"title": f"Trials of {begun.study.name}", "goals": goals}, OWN_COLUMNS, index=NUMBER)


def _front_of(begun: Begun) -> Mapping[str, Any]:
    """Return the front of a search that has ended, as a picture is drawn of it."""
    place = shorten(str(begun.folder), MAX_PLACE)
    if len(begun.study.goals) == 1:
        raise FrontExportError(
            f"{place}: found a search with one goal, which has no front to draw; allowed: csv, parquet, json, xlsx, "
            "netcdf, or dawndusk plot"
        )
    content = read_run(begun.folder).front
    if content is None:
        raise DawnduskError(f"{place}: found no {FRONT}; allowed: a search that has ended")
    return {**content, "knees": [n + 1 for n, point in enumerate(content["points"]) if point["knee"]], "ends": []}


def _draw(path: Path, *, content: Mapping[str, Any]) -> None:
    draw_front(content, path)
