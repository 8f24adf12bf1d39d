"""The ledger: every certificate that was given, and the check that no design ever beats one.

A proof that is wrong may look right for long. So the certificates of all runs lie in one folder beside the run folders,
and every run of the same problem, with whatever engine, is held against them. Designs better than all before are kept
too, so that a later proof is held against them.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import dawndusk
from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.certify.certificate import CertificateError
from dawndusk.optimize.problem import Sense
from dawndusk.studies.runs.certificates import has_certificate
from dawndusk.studies.runs.engines import is_better
from dawndusk.studies.runs.results import RunResult
from dawndusk.studies.runs.runner import problem_of
from dawndusk.studies.statement.identity import model_version, problem_hash
from dawndusk.studies.statement.study import Study

FOLDER = "certificates"
FORMAT = 1
READABLE = 0o644
PROBLEM_LETTERS, ENTRY_LETTERS = 16, 12


class LedgerError(DawnduskError):
    """A ledger that can not be read or written."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one run claims: a bound, or that nothing is feasible, and its best design."""

    format: int = FORMAT
    problem_hash: str
    model: str
    dawndusk: str
    study: str
    study_hash: str
    run: str
    engine: str
    sense: Sense
    objective_name: str
    status: str
    proves: bool
    objective: float | None
    bound: float | None
    gap: float | None
    design: dict[str, Any] | None

    def rules_out(self, other: Entry) -> bool:
        """Return whether the design of another run beats what this one proved."""
        if not self.proves or other.objective is None:
            return False
        if self.status == "infeasible":
            return True
        return self.bound is not None and is_better(other.objective, self.bound, self.sense)

    @property
    def point(self) -> str:
        """Return the run and its best design in words."""
        return f"run {self.run} (engine {self.engine}) has {self.objective!r}: {self.design}"


def folder_beside(run_folder: Path) -> Path:
    """Return the ledger's folder, beside a run folder."""
    return run_folder.absolute().parent / FOLDER


def entry_of(result: RunResult, run_folder: Path) -> Entry:
    """Return what a run claims."""
    study, found = result.study, result.found
    return Entry(
        problem_hash=problem_hash(problem_of(study)),
        model=model_version(),
        dawndusk=dawndusk.__version__,
        study=study.name,
        study_hash=study.hash,
        run=run_folder.name,
        engine=result.engine,
        sense=study.sense,
        objective_name=study.objective,
        status=result.status,
        proves=has_certificate(result) and result.audit != "failed",
        objective=found.objective,
        bound=found.bound,
        gap=found.gap,
        design=None if found.design is None else found.design.to_dict(),
    )


def entries(ledger: Path, study: Study) -> list[tuple[Path, Entry]]:
    """Return the entries of the same problem in the same model, with their files.

    Raises
    ------
    LedgerError
        Where a file is damaged; call it before a long search.
    """
    key = problem_hash(problem_of(study))
    found = list(_read(ledger, key))
    return [(path, entry) for path, entry in found if entry.problem_hash == key and entry.model == model_version()]


def _read(ledger: Path, key: str) -> Iterator[tuple[Path, Entry]]:
    if ledger.exists() and not ledger.is_dir():
        raise LedgerError(f"{ledger}: found something that is not a folder; allowed: the folder of certificates")
    for path in sorted(ledger.glob(f"{key[:PROBLEM_LETTERS]}-*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] == FORMAT:
                yield path, Entry(**{field.name: content[field.name] for field in fields(Entry)})
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise LedgerError(
                f"{path}: found a certificate that can not be read ({type(error).__name__}: {error}); allowed: the "
                "file as it was written, or none"
            ) from None


def check(new: Entry, known: list[tuple[Path, Entry]]) -> None:
    """Raise ``CertificateError`` if a run contradicts a certificate, or its certificate an earlier design."""
    for path, old in known:
        proof, design = (old, new) if old.rules_out(new) else (new, old)
        if not proof.rules_out(design):
            continue
        claim = "no design is feasible" if proof.bound is None else f"no design is better than {proof.bound!r}"
        best = "" if proof.design is None else f", its best design {proof.objective!r}: {proof.design}"
        raise CertificateError(
            f"{path}: a design beats a certificate; run {proof.run} (engine {proof.engine}) proved of "
            f"{proof.objective_name} that {claim}{best}; but {design.point}; one of the two is wrong"
        )


def record(new: Entry, known: list[tuple[Path, Entry]], ledger: Path) -> Path | None:
    """Append an entry, if it is a certificate or better than every design before; return its file.

    The same run again has the same file.
    """
    if not new.proves and not _is_best(new, known):
        return None
    text = json.dumps(asdict(new), indent=2) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()[:ENTRY_LETTERS]
    path = ledger / f"{new.problem_hash[:PROBLEM_LETTERS]}-{digest}.json"
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
    return all(old.objective is None or is_better(objective, old.objective, new.sense) for _, old in known)


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=".dawndusk-", suffix=".json", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(READABLE)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
