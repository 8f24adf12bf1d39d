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
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import numpy as np

import dawndusk
from dawndusk.models.assumptions import CATALOGUES, GROUPS, Quantity
from dawndusk.models.design import CATEGORIES, VARIABLES
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.rules import RULES
from dawndusk.studies.cli import COMMANDS, application
from dawndusk.studies.data import default_assumptions, with_values
from dawndusk.studies.published import METHODS
from dawndusk.studies.statement.files import library_names, library_path
from dawndusk.studies.statement.studyfile import json_schema, read_study
from dawndusk.studies.validate import SHIPPED_CASES, CaseResult, read_cases, run_cases, table_rows

MAIN_STUDY = "orbit-200mw"
ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "docs" / "benchmarks"
SPECIAL = set("\\`*_{}[]<>()#|$~")
LISTED_NAMES = 7
"""Names that a table lists in full."""
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
    for name, page in PAGES.items():
        _write(folder / f"{name}.md", page())
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


def escaped(text: str) -> str:
    """Return plain text as Markdown that shows it unchanged, in a table too."""
    return "".join(f"\\{letter}" if letter in SPECIAL else letter for letter in text).replace("\n", " ")


def sentence(text: str) -> str:
    """Return a text with a capital and a full stop, as Markdown."""
    return escaped(text[:1].upper() + text[1:].rstrip(".") + ".") if text else ""


def number(value: float | None) -> str:
    """Return a number with up to six digits."""
    return "" if value is None else f"{value:.6g}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page(title: str, intro: str, *parts: str) -> str:
    """Return a page from its parts."""
    return "\n".join([f"# {title}\n", f"{intro}\n", *parts])


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
    rows = [(f"`{r.name}`", sentence(r.sentence), r.sense, escaped(r.units)) for r in RULES.values()]
    intro = (
        f"The {len(RULES)} rules that a design must meet. The sentence is the one that the program prints when a rule "
        "binds or breaks. How a violation is graded is in [](../concepts/rules.md)."
    )
    return page("Rules", intro, table(("rule", "sentence", "sense", "units"), rows))


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


def _type_of(rule: Mapping[str, Any]) -> str:
    """Return in words what a key of the schema takes."""
    if options := rule.get("anyOf", rule.get("oneOf")):
        return " or ".join(dict.fromkeys(filter(None, map(_type_of, options))))
    if "const" in rule:
        return f"the word `{rule['const']}`"
    if "enum" in rule:
        names = ", ".join(f"`{name}`" for name in rule["enum"])
        return f"one of {names}" if len(rule["enum"]) <= LISTED_NAMES else "a name"
    kind = rule.get("type", "object")
    if kind == "array":
        items = rule["items"]
        named = {"number": "numbers", "array": "pairs of numbers"}.get(items.get("type", ""), "")
        return f"list of {named or ('mappings' if '$ref' in items else 'names' if 'enum' in items else 'texts')}"
    return (
        _number_type(rule)
        if kind in {"number", "integer"}
        else {"string": "text", "object": "mapping", "boolean": "`true` or `false`"}.get(kind, "")
    )


def _number_type(rule: Mapping[str, Any]) -> str:
    noun = "whole number" if rule["type"] == "integer" else "number"
    if "exclusiveMinimum" in rule:
        return f"{noun} above {rule['exclusiveMinimum']:,.6g} and below {rule['exclusiveMaximum']:,.6g}"
    low, high = (f"{rule[key]:,.6g}" if key in rule else "" for key in ("minimum", "maximum"))
    if high:
        return f"{noun}, {low} to {high}"
    return f"{noun}, at least {low}" if low else noun


def _keys_table(section: Mapping[str, Any]) -> str:
    rows = []
    for key, rule in section["properties"].items():
        value = rule.get("default", "")
        shown = str(value).lower() if isinstance(value, bool) else value
        default = "" if value in ("", {}) else f"`{shown}`"
        rows.append((f"`{key}`", _type_of(rule), default, sentence(rule.get("description", ""))))
    return table(("key", "takes", "default", "meaning"), rows)


def study_keys_page() -> str:
    """Return the keys of a study file, from its JSON Schema."""
    schema = json_schema()
    kinds = schema["$defs"]

    def named(reference: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = kinds[reference["$ref"].rsplit("/", 1)[-1]]
        return found

    parts = [f"## Top level\n\n{_keys_table(schema)}"]
    for path, rule in _nested_sections(schema, kinds, "", {"assumptions"}):
        level = "#" * (2 + path.removesuffix(".NAME").count("."))
        parts.append(f"{level} {path}\n\n{sentence(str(rule.get('description', '')))}\n\n{_keys_table(rule)}")
        if path == "design":
            parts.append(_range_part(kinds))
    assumptions = named(schema["properties"]["assumptions"])["properties"]
    parts.append(f"## assumptions\n\n{sentence('What is believed, where it differs from the shipped data')}\n")
    for name in GROUPS:
        if name in assumptions:
            parts.append(f"### assumptions.{name}\n\n{_keys_table(named(assumptions[name]))}")
    for name in CATALOGUES:
        rows = next(iter(assumptions[name]["properties"].values()))
        parts.append(f"### assumptions.{name}.ROW\n\n{_keys_table(named(rows))}")
    intro = (
        "Every key that a study file may hold, from the JSON Schema that `dawndusk schema` prints. How files extend "
        "one another and what is refused is in [](../reference/study_file.md)."
    )
    return page("Keys of a study file", intro, *parts)


def _nested_sections(
    rule: Mapping[str, Any], kinds: Mapping[str, Any], inside: str, without: Collection[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every section below a rule of the schema with its dotted path, but for ranges of a variable."""
    for key, inner in rule["properties"].items():
        options = [(inner, key), *((option, key) for option in (*inner.get("anyOf", ()), *inner.get("oneOf", ())))]
        options += [(option, f"{key}.NAME") for option in inner.get("patternProperties", {}).values()]
        options += [(inner["items"], f"{key}[]")] if "items" in inner else []
        for option, name in options:
            kind = option.get("$ref", "").rsplit("/", 1)[-1]
            if kind and key not in without and not kind.startswith("Range_") and kind not in OF_VARIABLES:
                path = f"{inside}.{name}" if inside else name
                yield path, kinds[kind]
                yield from _nested_sections(kinds[kind], kinds, path, without)


OF_VARIABLES = {"ChangesPart", "VaryPart"}
"""Sections with a key for every design variable, which are shown under ``design``."""


def _range_part(kinds: Mapping[str, Any]) -> str:
    example = kinds["Range_altitude_km"]
    rows = [(f"`{key}`", sentence(rule["description"])) for key, rule in example["properties"].items()]
    return "### Range of a variable\n\nHere of `altitude_km`; every other range has the same keys.\n\n" + table(
        ("key", "meaning"), rows
    )


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
