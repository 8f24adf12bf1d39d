"""The ledger: every certificate that was given, and the check that no design ever beats one.

A proof that is wrong may look right for long. So the certificates of all runs lie in one folder beside the run folders,
and every run that asks for the same under the same assumptions, with whatever engine, is held against them: of the same
problem, or of one with other ranges and bounds where its design lies within those of the proof. Designs better than all
before are kept too, so that a later proof is held against them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import dawndusk
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.contradiction import Claim, is_better
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.problem import Bound, Problem
from dawndusk.studies.input.identity import model_version, problem_hash, question_hash, region
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.run.design.certificates import has_certificate
from dawndusk.studies.run.design.results import RunResult
from dawndusk.studies.run.design.runner import problem_of

FOLDER = "certificates"
FORMAT = 2
READABLE = 0o644
QUESTION_LETTERS, ENTRY_LETTERS = 16, 12


class LedgerError(DawnduskError):
    """A ledger that can not be read or written."""


@dataclass(frozen=True, kw_only=True)
class Entry(Claim):
    """What one run claims: a bound, or that nothing is feasible, of the designs in a region; and its best design."""

    format: int = FORMAT
    question_hash: str
    problem_hash: str
    region: dict[str, Any]
    model: str
    dawndusk: str
    study: str
    study_hash: str
    run: str
    engine: str
    objective_name: str
    gap: float | None

    def rules_out(self, other: Entry, problem: Problem) -> bool:
        """Return whether the design of another run beats what this one proved.

        Parameters
        ----------
        problem : Problem
            One of the same question.
        """
        if other.objective is None or other.design is None or not self.is_refuted_by(other.objective):
            return False
        return self.problem_hash == other.problem_hash or _is_within(self.region, other.design, problem)

    @property
    def point(self) -> str:
        """Return the run and its best design in words."""
        return f"run {self.run} (engine {self.engine}) has {self.objective!r}: {self.design}"


def folder_beside(run_folder: Path) -> Path:
    """Return the ledger's folder, beside a run folder."""
    return run_folder.absolute().parent / FOLDER


def entry_of(result: RunResult, run_folder: Path) -> Entry:
    """Return what a run claims."""
    found = result.result
    return Entry(
        **origin_of(result.study, problem_of(result.study), run_folder),
        engine=result.engine,
        status=result.status,
        proves=has_certificate(result) and result.audit != "failed",
        objective=found.objective,
        bound=found.bound,
        gap=found.gap,
        design=None if found.design is None else found.design.to_dict(),
    )


def origin_of(study: ResolvedStudy, problem: Problem, run_folder: Path) -> dict[str, Any]:
    """Return what an entry says of the problem and the run that it comes from."""
    return {
        "question_hash": question_hash(problem),
        "problem_hash": problem_hash(problem),
        "region": region(problem),
        "model": model_version(),
        "dawndusk": dawndusk.__version__,
        "study": study.name,
        "study_hash": study.hash,
        "run": run_folder.name,
        "sense": problem.sense,
        "objective_name": problem.objective,
    }


def entries(ledger: Path, study: ResolvedStudy) -> list[tuple[Path, Entry]]:
    """Return the entries of the same question in the same model, whatever their ranges and bounds, with their files.

    Raises
    ------
    LedgerError
        Where a file is damaged; call it before a long search.
    """
    return entries_of(ledger, problem_of(study))


def entries_of(ledger: Path, problem: Problem) -> list[tuple[Path, Entry]]:
    """Return the entries of the same question as a problem's; see ``entries``."""
    key = question_hash(problem)
    found = list(_read(ledger, key))
    return [(path, entry) for path, entry in found if entry.question_hash == key and entry.model == model_version()]


def proofs(ledger: Path, study: ResolvedStudy) -> list[Entry]:
    """Return the certificates of the very problem of a study."""
    key = problem_hash(problem_of(study))
    return [entry for _, entry in entries(ledger, study) if entry.proves and entry.problem_hash == key]


def _read(ledger: Path, key: str) -> Iterator[tuple[Path, Entry]]:
    if ledger.exists() and not ledger.is_dir():
        raise LedgerError(f"{ledger}: found something that is not a folder; allowed: the folder of certificates")
    for path in sorted(ledger.glob(f"{key[:QUESTION_LETTERS]}-*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] == FORMAT:
                yield path, Entry(**{field.name: content[field.name] for field in fields(Entry)})
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise LedgerError(
                f"{path}: found a certificate that can not be read ({type(error).__name__}: {error}); allowed: the "
                "file as it was written, or none"
            ) from None


def check(new: Entry, known: list[tuple[Path, Entry]], problem: Problem) -> None:
    """Raise ``CertificateError`` if a run contradicts a certificate of its question, or its proof an earlier design."""
    for path, old in known:
        proof, design = (old, new) if old.rules_out(new, problem) else (new, old)
        if not proof.rules_out(design, problem):
            continue
        raise CertificateError(
            f"{path}: a design beats a certificate; run {proof.run} (engine {proof.engine}) proved of "
            f"{proof.objective_name} {proof.words}; but {design.point}; one of the two is wrong"
        )


def _is_within(admitted: Mapping[str, Any], design: Mapping[str, Any], problem: Problem) -> bool:
    """Return whether a region admits a design; a fleet that follows the demand is the smallest that meets it."""
    space = admitted["space"]
    if not all(_admits(space[name], value) for name, value in design.items() if name in space):
        return False
    one = DesignBatch.of(Design(**design))
    follows = admitted["satellites_follow_demand"]
    if follows and problem.meet_demand(one)[0].satellites != design["satellites"]:
        return False
    bounds = tuple(Bound(*bound) for bound in admitted["bounds"])
    return bool(dataclasses.replace(problem, bounds=bounds).score(one).feasible[0])


def _admits(entry: Any, value: Any) -> bool:
    """Return whether the plain entry of a space admits a value: one of several names, a range from low to high."""
    if not isinstance(entry, list):
        return bool(entry == value)
    return value in entry if isinstance(value, str) else bool(entry[0] <= value <= entry[1])


def record(new: Entry, known: list[tuple[Path, Entry]], ledger: Path) -> Path | None:
    """Append an entry, if it is a certificate or better than every design before; return its file.

    The same run again has the same file.
    """
    if not new.proves and not _is_best(new, known):
        return None
    text = json.dumps(asdict(new), indent=2) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()[:ENTRY_LETTERS]
    path = ledger / f"{new.question_hash[:QUESTION_LETTERS]}-{digest}.json"
    try:
        ledger.mkdir(parents=True, exist_ok=True)
        _write(path, text)
    except OSError as error:
        raise LedgerError(f"{path}: can not be written: {error.strerror or error}") from None
    return path


def _is_best(new: Entry, known: list[tuple[Path, Entry]]) -> bool:
    objective = new.objective
    if objective is None:
        return False
    earlier = [old.objective for _, old in known if old.problem_hash == new.problem_hash]
    return all(best is None or is_better(objective, best, new.sense) for best in earlier)


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=".dawndusk-", suffix=".json", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(READABLE)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
