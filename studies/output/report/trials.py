"""The report of a search by trials: how it was searched, how far it came, and what became of the trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from dawndusk.models.errors import DawnduskError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.studies.output.figures import trials as figures
from dawndusk.studies.output.figures.picture import Picture
from dawndusk.studies.output.report.markup import Html, table, tag
from dawndusk.studies.output.report.section import ReportSection, pictures_section
from dawndusk.studies.output.report.subject import Subject
from dawndusk.studies.run.design.wording import ENDINGS
from dawndusk.studies.run.folder.reading import TRIALS

MOST_WORDS = 12
"""Reasons of failures that are listed."""
ENDING = frozenset({"violation", "broken", "feasible", "failure", "words"})
NUMBER, STATE = "number", "state"
Rows = Sequence[Mapping[str, Any]]


def rows_of(subject: Subject) -> list[dict[str, Any]]:
    """Return the trials as the run wrote them, in the order in which they were asked.

    Raises
    ------
    DawnduskError
        Where the file is damaged.
    """
    path = subject.content.folder / TRIALS
    if not path.is_file():
        return []
    import pandas as pd  # noqa: PLC0415 (heavy, and not every report has trials)

    try:
        found = pd.read_parquet(path)
        missing = {NUMBER, STATE, *ENDING} - set(found.columns)
        if missing:
            raise ValueError(f"no column {min(missing)}")
    except (OSError, ValueError) as error:
        raise DawnduskError(f"{path}: can not be read: {error}; allowed: the file as the run wrote it") from None
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]


def _dimensions(subject: Subject, rows: Rows) -> list[str]:
    """Return the names of what was searched: those of a point, or every column where no trial was answered."""
    content = subject.content
    points = (content.front or {}).get("points") or [content.optimum]
    point = points[0].get("searched", points[0].get("point"))
    if isinstance(point, Mapping):
        return [name for name in point if rows and name in rows[0]]
    return [name for name in rows[0] if name not in ENDING | {NUMBER, STATE}] if rows else []


def trials(subject: Subject) -> ReportSection | None:
    """Return how far the search came, what became of its trials, and all of them side by side."""
    if not subject.content.by_trials:
        return None
    rows, goals = rows_of(subject), subject.study.goals
    pictures: tuple[Picture | None, ...] = (
        figures.progress(rows, goals[0]) if len(goals) == 1 else figures.front_progress(rows, goals),
        figures.endings(rows),
        figures.side_by_side(rows, _dimensions(subject, rows), goals),
    )
    searched = None if subject.content.optimum else how(subject)
    return pictures_section("trials", "The trials", "Trials", pictures, searched, _answered(subject), _failures(rows))


def _answered(subject: Subject) -> Html | None:
    """Return what the evaluator answered to the best trial, beside the built-in model where that knows it too."""
    content = subject.content
    if not content.evaluator or not content.has_optimum:
        return None
    known = {name: OUTCOMES[name].units for name in content.outcome if name in OUTCOMES}
    rows = [
        (name, pretty(value, known.get(name, "-")), pretty(subject.now[name], known[name]) if name in known else "")
        for name, value in content.outcome.items()
    ]
    caption = f"What {content.evaluator} answered to trial {content.optimum['number']:,}"
    return table(("outcome", "answered", "by the built-in model"), rows, caption=caption)


def how(subject: Subject) -> Html:
    """Return which sampler named the trials and why, how many there are, and how the search ended."""
    content = subject.content
    told = content.optimum or content.front or {}
    chosen = told.get("sampler_chosen")
    sampler = tag("p", "Sampler ", tag("strong", str(told["sampler"])), f": {chosen}" if chosen else ", as asked for.")
    ended = ENDINGS.get(told["stopped_by"], f"ended by {told['stopped_by']}")
    seconds = told.get("seconds")
    took = "" if seconds is None else f" in {seconds:.1f} s"
    counted = f"{told['evaluations']:,} trials answered{took}, {told['failed']:,} of them failed"
    if told.get("pending"):
        counted += f", {told['pending']:,} asked and not answered"
    words = f"{counted}; seed {told.get('seed')}, {ended}."
    if told.get("reproducible") is False:
        words += " Designs were named whenever a worker was free: the same search again need not find the same."
    return Html(sampler + tag("p", words, class_="quiet"))


def _failures(rows: Rows) -> Html | None:
    """Return why trials failed, in the words of the evaluator, the most frequent first."""
    failed = [row for row in rows if row[STATE] == figures.FAILED]
    if not failed:
        return None
    counted = Counter((str(row["failure"]), str(row["words"])) for row in failed)
    first = {(str(row["failure"]), str(row["words"])): row[NUMBER] for row in reversed(failed)}
    listed = [
        (kind, f"{count:,}", str(first[kind, words]), words) for (kind, words), count in counted.most_common(MOST_WORDS)
    ]
    left_out = len(counted) - len(listed)
    more = tag("p", f"and {left_out:,} other reasons, in {TRIALS}", class_="quiet") if left_out else ""
    return Html(table(("failure", "trials", "first", "in words"), listed, caption="Why trials failed") + more)
