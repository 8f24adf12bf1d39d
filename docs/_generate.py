"""The pages that the code itself can write: tables of names and values, the command line, shown output.

``conf.py`` writes them into ``docs/generated`` on every build, so that no page repeats a number by hand. Run as a
script, this file renews the shown output in the README.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import numpy as np
from _markdown import escaped, number, page, sentence, table
from _study_keys import study_keys_page

import dawndusk
from dawndusk.models.assumptions import CATALOGUES, GROUPS, Quantity
from dawndusk.models.design import CATEGORIES, VARIABLES
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.rules import RULES, SCOPES
from dawndusk.studies.cli.main import COMMANDS, application
from dawndusk.studies.data import default_assumptions, with_values
from dawndusk.studies.input.files import library_names, library_path
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.published import METHODS
from dawndusk.studies.published.validation import SHIPPED_CASES, CaseResult, read_cases, run_cases, table_rows

MAIN_STUDY = "orbit-200mw"
ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "docs" / "benchmarks"
MOST_SENSITIVE = 20
BROKEN = 1e-9
COMMAND_LINE = [sys.executable, "-m", "dawndusk"]

SHOWN_OUTPUT = {
    "run-falcon9-today": ("run", "falcon9-today", "--engine", "evolution"),
    "evaluate-falcon9-today": ("evaluate", "falcon9-today"),
    "ground-only": ("run", "ground-only"),
}
"""Commands whose output a page shows in full, by the name of the text file that holds it."""

SHOWN_CODES = {0, 4}
README_BEGIN, README_END = "<!-- output of dawndusk run orbit-200mw -->\n", "<!-- end of output -->"
README_SECTIONS = ("Design", "Capital", "What limits it", "Orbit against the ground")


def write_pages(folder: Path) -> None:
    """Write every generated page into ``folder``, leaving alone what has not changed."""
    folder.mkdir(exist_ok=True)
    for name, written in PAGES.items():
        _write(folder / f"{name}.md", written())
    for name, arguments in SHOWN_OUTPUT.items():
        _write(folder / f"{name}.txt", command_output(*arguments))


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def command_output(*arguments: str) -> str:
    """Return what a command prints, with its lines stripped on the right.

    It must end with exit code 0, or with that of a search whose gap this machine does not close in time.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.getenv("PYTHONPATH", "")])}
        done = subprocess.run(
            [*COMMAND_LINE, *arguments], capture_output=True, text=True, check=False, cwd=folder, env=environment
        )
        if done.returncode not in SHOWN_CODES:
            raise RuntimeError(done.stderr)
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def variables_page() -> str:
    """Return the design variables with their domains."""
    rows = [
        (
            f"`{v.name}`",
            v.kind,
            escaped(v.units),
            f"a row of {v.catalogue}" if v.catalogue else f"{number(v.minimum)} to {number(v.maximum)}",
            sentence(v.meaning),
        )
        for v in VARIABLES.values()
    ]
    intro = (
        f"The {len(VARIABLES)} design variables, in the order in which they are reported. The domain is where the "
        "models hold; a study searches a range inside it."
    )
    return page("Design variables", intro, table(("variable", "kind", "units", "domain", "meaning"), rows))


def outcomes_page() -> str:
    """Return the outcomes by table."""
    parts = []
    for title in dict.fromkeys(f.table for f in OUTCOMES.values()):
        rows = [(f"`{f.name}`", escaped(f.units), sentence(f.meaning)) for f in OUTCOMES.values() if f.table == title]
        parts.append(f"## {title.capitalize()}\n\n{table(('outcome', 'units', 'meaning'), rows)}")
    intro = (
        f"The {len(OUTCOMES)} outcomes of every evaluated design. Each can be an objective (`minimise`, `maximise`) "
        "or stand in a bound (`subject_to`)."
    )
    return page("Outcomes", intro, *parts)


def rules_page() -> str:
    """Return the rules with their sentences."""
    rows = [(f"`{r.name}`", sentence(r.sentence), r.scope, r.sense, escaped(r.units)) for r in RULES.values()]
    scopes = [(f"`{name}`", sentence(meaning)) for name, meaning in SCOPES.items()]
    intro = (
        f"The {len(RULES)} rules that a design must meet. The sentence is the one that the program prints when a rule "
        "binds or breaks. How a violation is graded, and what of them a plan enforces, is in [](../concepts/rules.md)."
    )
    parts = (table(("rule", "sentence", "scope", "sense", "units"), rows), table(("scope", "rules about"), scopes))
    return page("Rules", intro, *parts)


def _source(quantity: Quantity) -> str:
    name = escaped(quantity.source)
    return f"[{name}](<{quantity.url}>)" if quantity.url else name


def _evidence(quantity: Quantity) -> tuple[str, ...]:
    reach = f"{number(quantity.low)} to {number(quantity.high)}" if quantity.low is not None else ""
    note = f". {sentence(quantity.note)}" if quantity.note else ""
    return (
        number(quantity.value),
        escaped(quantity.units),
        reach,
        quantity.confidence,
        (f"{_source(quantity)}, {quantity.year}{note}"),
    )


EVIDENCE = ("value", "units", "low to high", "confidence", "source, year, note")


def _value_table(prefix: str, kind: type, provenance: Mapping[str, Quantity]) -> str:
    rows = [
        (f"`{f.name}`", sentence(f.metadata["meaning"]), *_evidence(provenance[f"{prefix}.{f.name}"]))
        for f in fields(kind)
    ]
    return table(("name", "meaning", *EVIDENCE), rows)


def assumptions_page() -> str:
    """Return the groups of single values."""
    provenance = default_assumptions().provenance
    parts = [
        f"## {name}\n\n{escaped(str(kind.__doc__))}\n\n{_value_table(name, kind, provenance)}"
        for name, kind in GROUPS.items()
    ]
    intro = (
        "Every single value that the models believe, by group, as shipped. Change one with "
        "`--set assumptions.GROUP.NAME=VALUE` or in a study file. The group `demand` is set by the section `demand` "
        "of a study."
    )
    return page("Assumptions: single values", intro, *parts)


def catalogues_page() -> str:
    """Return the catalogues row by row."""
    assumptions = default_assumptions()
    parts = []
    for name, kind in CATALOGUES.items():
        parts.append(f"## {name}\n\n{escaped(str(kind.__doc__))}\n")
        for row in getattr(assumptions, name):
            parts.append(f"### {row}\n\n{_value_table(f'{name}.{row}', kind, assumptions.provenance)}")
    intro = (
        "Every row of every catalogue, as shipped. Change one field with `--set assumptions.CATALOGUE.ROW.NAME=VALUE`; "
        "a study that adds a row states every field of it."
    )
    return page("Assumptions: catalogues", intro, *parts)


def library_page() -> str:
    """Return the shipped studies."""
    parts = []
    for name in library_names():
        study = read_study(name)
        text = library_path(name).read_text(encoding="utf-8")
        parts.append(f"## {name}\n\n**{escaped(study.title)}.** {escaped(study.description)}\n\n```yaml\n{text}```\n")
    intro = (
        "The studies that ship with the program. Each file is shown as it is; what it does not say it takes from the "
        "study it `extends`. `base` holds the ranges that the others share and states no demand of its own."
    )
    return page("Library of studies", intro, *parts)


def commands_page() -> str:
    """Return the help of every command."""
    context = click.Context(application, info_name="dawndusk", **application.context_settings)
    parts = [f"```text\n{application.get_help(context)}\n```\n"]
    for name in COMMANDS:
        command = application.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context, max_content_width=100)
        parts.append(f"## {name}\n\n```text\n{command.get_help(inner)}\n```\n")
    intro = (
        "What `dawndusk --help` and the help of each command print. The exit codes are in [](../reference/errors.md)."
    )
    return page("Command line", intro, *parts)


def validation_page() -> str:
    """Return the published cases with what the product makes of them."""
    results = run_cases(read_cases(SHIPPED_CASES))
    agree = sum(result.passed for result in results)
    parts = [_case_part(name, results) for name in METHODS]
    intro = (
        f"{agree} of {len(results)} published values agree within their tolerance, computed when these pages were "
        "built. `dawndusk validate` repeats this on your machine. Where the model differs from public ones, and why, "
        "is in [](../reference/validation.md)."
    )
    return page("Published cases", intro, *filter(None, parts))


def _case_part(method: str, results: Sequence[CaseResult]) -> str:
    found = [r for r in results if r.case.method == method]
    if not found:
        return ""
    known = METHODS[method]
    names = ("case", "metric", "expected", "got", "units", "deviation", "tolerance", "result")
    rows = [
        [f"`{row[n]}`" if n in {"case", "metric"} else escaped(row[n]) for n in names] + [_case_source(result)]
        for row, result in zip(table_rows(found), found, strict=True)
    ]
    head = f"## {method}\n\n{sentence(known.sentence)} Source of the method: {escaped(known.source)}.\n"
    return f"{head}\n{table((*names, 'source'), rows)}"


def _case_source(result: CaseResult) -> str:
    case = result.case
    return f"[{escaped(case.source)}](<{case.url}>)" if case.url else escaped(case.source)


def sensitivity_page() -> str:
    """Return the beliefs that move the cost of the main study's best design most."""
    study = dawndusk.load(MAIN_STUDY, ["search.engine=evolution"])
    result = study.run()
    assert isinstance(result, dawndusk.RunResult) and result.objective is not None
    design, base = result.design, result.objective
    used = {f"{VARIABLES[name].catalogue}.{getattr(design, name)}" for name in CATEGORIES}
    used |= {f"workloads.{study.workload}", *GROUPS}
    rows = []
    for key, quantity in study.assumptions.provenance.items():
        if key.rsplit(".", 1)[0] in used and quantity.low is not None and quantity.high is not None:
            ends = [_end(study, design, key, value) for value in (quantity.low, quantity.high)]
            largest = max(abs(cost / base - 1.0) for cost, _ in ends if math.isfinite(cost))
            rows.append((largest, key, quantity, [_change(cost / base - 1.0, broken) for cost, broken in ends]))
    rows.sort(key=lambda row: -row[0])
    lines = [
        (
            f"`{key}`",
            f"{number(q.value)} ({number(q.low)} to {number(q.high)}) {escaped(q.units)}",
            *ends,
            q.confidence,
        )
        for _, key, q, ends in rows[:MOST_SENSITIVE]
    ]
    intro = (
        f"The best design of `{MAIN_STUDY}` has a levelised cost of {base:.4g} USD per PFLOP-hour. The table moves one "
        "belief at a time to the low and the high end of its sourced range, keeps the design and every other belief, "
        "and gives the change of that cost. Where the design then breaks a rule, the rule is named. It is the "
        "sensitivity of one design: a fresh search under the changed belief can find a better one, and often does. "
        f"The {MOST_SENSITIVE} largest of {len(rows)}:"
    )
    header = ("assumption", "value (low to high)", "cost at low", "cost at high", "confidence")
    return page("Which beliefs matter most", intro, table(header, lines))


def _end(study: dawndusk.Study, design: dawndusk.Design, key: str, value: float) -> tuple[float, list[str]]:
    """Return the levelised cost and the broken rules of a design when one belief has another value."""
    with np.errstate(all="ignore"):
        evaluation = evaluate(design, with_values(study.assumptions, {key: value}))
    broken = [name for name, violation in evaluation.violation.items() if violation[0] > BROKEN]
    return float(evaluation.outcome["lcoc_usd_per_pflop_hour"][0]), broken


def _change(share: float, broken: Sequence[str]) -> str:
    text = f"{share:+.1%}" if math.isfinite(share) else "no closed design"
    return f"{text}, breaks {', '.join(broken)}" if broken else text


def python_page() -> str:
    """Return the public names of the package, for autodoc."""
    parts = []
    for name in sorted(dawndusk.__all__, key=str.lower):
        if name.startswith("_"):
            continue
        value = getattr(dawndusk, name)
        if isinstance(value, type):
            options = "   :members:\n   :exclude-members: __init__, __new__\n"
            parts.append(f"```{{eval-rst}}\n.. autoclass:: dawndusk.{name}\n{options}```\n")
        else:
            parts.append(f"```{{eval-rst}}\n.. autofunction:: dawndusk.{name}\n```\n")
    intro = (
        "The public names of `import dawndusk`. Everything else is internal, however it is spelt. Worked examples are "
        "in [](../tour.md) and [](../analyst.md)."
    )
    return page("Python names", intro, *parts)


def benchmarks_page(folder: Path | None = None) -> str:
    """Return what the benchmarks printed when they were last run, from what ``benchmarks/suite/record.py`` kept."""
    kept = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (folder or BENCHMARKS).glob("*.json")}
    scripts = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
    parts = [_benchmark_part(name, kept[name]) for name in scripts if name in kept]
    others = [f"`benchmarks/{name}.py`" for name in scripts if name not in kept]
    intro = (
        "What the benchmarks printed, as `python benchmarks/suite/record.py benchmarks/NAME.py` kept it. Times are of "
        "the machine named, whatever else it did; ratios and counts within one table are what lasts. What follows for "
        "the size of a study is in [](../scaling.md)."
    )
    if others:
        parts.append(f"## Others\n\nNot kept here; run them to see: {', '.join(others)}.\n")
    return page("Benchmarks", intro, *parts)


def _benchmark_part(name: str, found: Mapping[str, Any]) -> str:
    """Return what one benchmark printed, the command, and the machine in words."""
    machine = found["machine"]
    command = " ".join(["python", f"benchmarks/{name}.py", *found["arguments"]])
    libraries = ", ".join(f"{library} {version}" for library, version in machine["libraries"].items())
    words = (
        f"Run on {found['finished']} by dawndusk {found['dawndusk']} on {machine['cores']} cores "
        f"({escaped(machine['processor'])}, {machine['system']}) with Python {machine['python']}, {libraries}; "
        f"{found['cpu_s']:g} s of processor time. When it began, others kept {machine['busy_cores']:g} cores busy."
    )
    shown = "\n".join([f"$ {command}", *found["output"]])
    return f"## {name}\n\n{sentence(found['about'])} {words}\n\n```text\n{shown}\n```\n"


PAGES: dict[str, Callable[[], str]] = {
    "variables": variables_page,
    "outcomes": outcomes_page,
    "rules": rules_page,
    "assumptions": assumptions_page,
    "catalogues": catalogues_page,
    "library": library_page,
    "commands": commands_page,
    "study_keys": study_keys_page,
    "published_cases": validation_page,
    "sensitivity": sensitivity_page,
    "python": python_page,
    "benchmarks": benchmarks_page,
}
"""Every generated page by the name of its file."""


def readme_excerpt(output: str) -> str:
    """Return the parts of a run's output that the README shows: the headline and some sections."""
    headline, *sections = _sections(output.splitlines())
    shown = [headline, *(s for s in sections if s[0].split("  ", 1)[0] in README_SECTIONS)]
    return "\n...\n".join("\n".join(section) for section in shown)


def _sections(lines: Sequence[str]) -> list[list[str]]:
    """Return the lines of each section: an unindented line after an empty one begins it. Empty lines are left out."""
    sections: list[list[str]] = []
    before = ""
    for line in lines:
        if line and not line.startswith(" ") and not before:
            sections.append([])
        if line:
            sections[-1].append(line)
        before = line
    return sections


def renew_readme(path: Path) -> None:
    """Put the output of a fresh run between the two marks of the README."""
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(README_BEGIN)
    _, after = rest.split(README_END)
    excerpt = readme_excerpt(command_output("run", MAIN_STUDY, "--out", "run"))
    block = f"```console\n$ dawndusk run orbit-200mw\n{excerpt}\n```\n"
    path.write_text(before + README_BEGIN + block + README_END + after, encoding="utf-8")


if __name__ == "__main__":
    renew_readme(ROOT / "README.md")
