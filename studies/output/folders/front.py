"""The run folder of a front, and what the front proves beside the certificates of other runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dawndusk.optimize.problem import Problem
from dawndusk.optimize.result import relative_gap
from dawndusk.studies.output.pictures.front import draw_front, is_drawable
from dawndusk.studies.run.folder import ledger
from dawndusk.studies.run.folder.writing import check_target, write_finished
from dawndusk.studies.run.front.runner import FRONT_JSON, FRONT_TABLE, PICTURE, FrontResult, alone


def keep_front(result: FrontResult, folder: Path) -> Path:
    """Hold a front against the certificates beside its folder, write the folder, and add what was proved of its ends.

    Raises
    ------
    CertificateError
        When the best design for a goal beats a certificate, or a proof of the front an earlier design. Nothing is
        written then.
    """
    check_target(folder)
    beside = ledger.folder_beside(folder)
    claims = [(problem, entry, ledger.entries_of(beside, problem)) for problem, entry in _claims(result, folder)]
    for problem, entry, known in claims:
        ledger.check(entry, known, problem)
    written = write_front(result, folder)
    for _, entry, known in claims:
        ledger.record(entry, known, beside)
    return written


def _claims(result: FrontResult, folder: Path) -> Iterator[tuple[Problem, ledger.Entry]]:
    """Yield for each goal the problem of that goal alone, and what the front claims of it."""
    study, front = result.study, result.front
    for number, goal in enumerate(front.goals):
        problem = alone(study, goal)
        end = next((one for one in front.ends if one.goal == goal), None)
        best = int(np.argmin(goal.sign * front.values[:, number])) if len(front) else None
        value = None if best is None else float(front.values[best, number])
        bound = None if end is None else end.bound
        status = front.status if end is None else end.status
        yield (
            problem,
            ledger.Entry(
                **ledger.origin_of(study, problem, folder),
                engine="certified" if end is not None else "front",
                status=status,
                proves=bound is not None or (status == "infeasible" and (front.proved or end is not None)),
                objective=value,
                bound=bound,
                gap=relative_gap(value, bound),
                design=None if best is None else front.designs[best].to_dict(),
            ),
        )


def write_front(result: FrontResult, folder: Path) -> Path:
    """Write the run folder of a front, whole or not at all: manifest, study, tables, JSON, and a picture where it can.

    Replaces an older run of the same folder. Without matplotlib the picture is left out.
    """
    check_target(folder)
    content = result.to_dict()

    def picture(fresh: Path) -> None:
        if is_drawable() and len(result.front):
            draw_front(content, fresh / PICTURE)

    tables = {FRONT_TABLE: result.to_frame()}
    return write_finished(result, result.study, folder, tables=tables, documents={FRONT_JSON: content}, more=picture)
