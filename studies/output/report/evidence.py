"""The end of a report: what is believed and why, what the model was checked against, the proof, the run."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.quantity import Quantity
from dawndusk.models.units import number
from dawndusk.studies.lineage.figures import file_sources, meaning_of
from dawndusk.studies.lineage.origins import value_of
from dawndusk.studies.output.report.markup import Child, Html, details, link, table, tag
from dawndusk.studies.output.report.section import ReportSection
from dawndusk.studies.output.report.subject import Subject
from dawndusk.studies.published.validation import SHIPPED_CASES, CaseResult, read_cases, run_cases, table_rows

CONFIDENCE_WORDS = {
    "high": "checked in the source",
    "medium": "a sound source, with room",
    "low": "a weak source",
    "assumed": "nobody's figure but ours",
}
CASE_KEYS = ("case", "metric", "expected", "got", "units", "deviation", "tolerance", "result", "reason", "source")
TABLE_FILES = (
    "atmosphere.csv",
    "dose_depth.csv",
    "dose_inclination.csv",
    "trapped_proton_flux.csv",
    "debris_density.csv",
)


def assumptions(subject: Subject) -> ReportSection:
    """Return every data row that the objective rests on, then all others, each with range, source and confidence."""
    study = subject.study
    used = dict.fromkeys(subject.lineage.rows_behind(study.objective))
    set_here = [key for key, row in study.assumptions.provenance.items() if row.source == f"study {study.name}"]
    others = [key for key in study.assumptions.provenance if key not in used]
    words = tag(
        "p",
        f"{study.objective} rests on {len(used)} data rows, {len([k for k in set_here if k in used])} of them set "
        "by the study. Confidence is ",
        "; ".join(f"{name}: {what}" for name, what in CONFIDENCE_WORDS.items()),
        ".",
    )
    first = belief_table(study.assumptions, sorted(used), "Data rows behind the objective")
    rest = details(
        f"{len(others)} data rows that have no part in it",
        belief_table(study.assumptions, sorted(others), "Other data rows"),
    )
    files = table(
        ("table", "source", "confidence"),
        [(name, link(s.url, s.source), s.confidence) for name in TABLE_FILES for s in file_sources(name)],
        caption="Tables of the environment",
    )
    return ReportSection("assumptions", "What is believed", Html(words + first + rest + files), menu="Beliefs")


def belief_table(believed: Assumptions, keys: Sequence[str], caption: str) -> Html:
    """Return data rows with value, range, confidence and source."""
    rows = [_row(key, believed.provenance[key], value_of(believed, key)) for key in keys]
    columns = ("data row", "value", "range", "units", "confidence", "source and note")
    return table(columns, rows, caption=caption, class_="beliefs")


def _row(key: str, row: Quantity, value: float) -> tuple[Child, ...]:
    span = "" if row.low is None or row.high is None else f"{number(row.low)} to {number(row.high)}"
    source = [link(row.url, row.source), f", {row.year}", f". {row.note}" if row.note else ""]
    name = tag("abbr", key, title=meaning_of(key))
    confidence = tag("span", row.confidence, class_=f"confidence {row.confidence}")
    return name, number(value), span, row.units, confidence, source


def validation(_: Subject) -> ReportSection:
    """Return the published cases that the model reproduces, and how closely."""
    results = _shipped_cases()
    agree = sum(result.passed for result in results)
    cases = table_rows(results)
    rows = [tuple(case[key] for key in CASE_KEYS) for case in cases]
    words = tag("p", f"{agree} of {len(results)} published cases agree within their tolerance, run for this report.")
    shown = details("The cases", table(CASE_KEYS, rows, caption="Published cases"))
    return ReportSection("validation", "What the model was checked against", Html(words + shown), menu="Checks")


@functools.cache
def _shipped_cases() -> list[CaseResult]:
    return run_cases(read_cases(SHIPPED_CASES))


def proof(subject: Subject) -> ReportSection | None:
    """Return what is proved, the parts of the audit, and what the proof rests on."""
    found = subject.content.certificate
    if found is None:
        return None
    checks = [
        (check["name"], "held" if check["held"] else "FAILED", f"{check['tried']:,}", check["words"])
        for check in found["audit"]["checks"]
    ]
    keys = (
        "claim",
        "status",
        "objective_name",
        "objective",
        "bound",
        "gap",
        "gap_asked",
        "engine",
        "boxes",
        "open_boxes",
        "combinations",
        "problem_hash",
        "model",
    )
    stated = table(("item", "value"), [(key, _plain(found.get(key))) for key in keys], caption="The certificate")
    tried = table(("check", "verdict", "tried", "in words"), checks, caption=f"Audit: {found['audit']['verdict']}")
    rests_on = tag("p", found["rests_on"])
    return ReportSection("proof", "What is proved", Html(stated + (tried if checks else "") + rests_on), menu="Proof")


def run(subject: Subject) -> ReportSection:
    """Return where, when and with what the study was run, and the study itself."""
    rows = list(_flat(subject.content.manifest))
    listed = table(("item", "value"), rows, caption="Manifest")
    study = details("The study as it was run", tag("pre", subject.study.to_yaml()))
    return ReportSection("run", "The run", Html(listed + study), menu="Run")


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _plain(value)


def _plain(value: Any) -> str:
    return "none" if value is None else repr(value) if isinstance(value, float) else str(value)
