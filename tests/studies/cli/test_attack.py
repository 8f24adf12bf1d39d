"""The command that attacks a certificate: words, JSON, exit codes, and what it refuses before it begins."""

from __future__ import annotations

import dataclasses
import json
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.models.design import VARIABLES
from dawndusk.optimize.certify.attack import Attacked, Attacking, Contradiction, attack
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.result import Check
from dawndusk.studies.cli import attack as commands
from dawndusk.studies.cli import main
from dawndusk.studies.output.terminal import attack as show

NARROW = {
    "accelerators_per_satellite": "57",
    "radiator": "deployable_two_phase",
    "array": "silicon_flexible",
    "shielding_mm": "8",
    "array_oversize": "1.1",
    "eclipse_ride_through": "0",
    "spare_fraction": "0.1",
    "optical_terminals": "4",
    "life_years": "5",
    "launches_per_year": "220",
}
ITEMS = [f"--set=design.{name}={value}" for name, value in NARROW.items()]
COUNTS = ("designs", "feasible", "boxes", "comparisons")


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["dawndusk", *arguments])
    with pytest.raises(SystemExit) as left:
        main.main()
    return int(left.value.code or 0)


Faked = Callable[..., Attacked]


@pytest.fixture
def small(certified: dd.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A study in an empty current directory, of which the session has a certificate."""
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(certified.study.to_yaml(), encoding="utf-8")
    return "small.yaml"


@pytest.fixture
def faked(certified: dd.RunResult, monkeypatch: pytest.MonkeyPatch) -> Faked:
    """Have the engine answer at once; what is given changes the answer."""

    def fake(**changes: Any) -> Attacked:
        known = Attacked(
            certified=certified.result,
            designs=5000,
            feasible=1200,
            boxes=768,
            comparisons=90_000,
            best=certified.objective,
            found={},
            contradictions=(),
            seconds=60.5,
            seed=1,
        )
        answer = dataclasses.replace(known, **changes)
        monkeypatch.setattr(commands, "attack", lambda *_, **__: answer)
        return answer

    return fake


def never(*_: object, **__: object) -> None:
    raise AssertionError("the attack was begun")


# A real one


@pytest.mark.slow
def test_an_attack_that_finds_nothing_ends_with_code_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["suncatcher", "--minutes", "0.05", "--seed", "3", "--gap", "0.05", "--workers", "1", *ITEMS]
    assert call(monkeypatch, "attack", *arguments, "--json", "--out", "attack.json") == 0
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert captured.err == "result: attack.json\n"
    assert json.loads(Path("attack.json").read_text(encoding="utf-8")) == printed
    assert (printed["held"], printed["seed"], printed["stopped_by"]) == (True, 3, "time limit")
    assert (printed["seconds_asked"], printed["certificate"]["gap_asked"]) == (3.0, 0.05)
    assert printed["certificate"]["audit"]["verdict"] == "passed"
    assert printed["designs"] > printed["feasible"] > 0
    assert printed["best"] >= printed["certificate"]["bound"] > 0.0
    assert [path.name for path in tmp_path.iterdir()] == ["attack.json"]


# Words and numbers


def test_what_was_certified_and_tried_is_said(
    small: str, faked: Faked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faked()
    assert call(monkeypatch, "attack", small) == 0
    captured = capsys.readouterr()
    out = " ".join(captured.out.split())
    assert "HELD: nothing contradicts the certificate." in out
    assert "The certificate: optimal, lcoc_usd_per_pflop_hour = " in out
    assert "proved within 0.10 %: no design costs less than " in out
    assert "5,000 designs evaluated, 1,200 of them feasible, the best with " in out
    assert "768 boxes around feasible designs bounded, 90,000 enclosures compared" in out
    assert "60.5 s, seed 1, ended by its time." in out
    assert captured.err == ""


def test_the_result_is_one_that_a_program_reads(
    small: str, faked: Faked, certified: dd.RunResult, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    answer = faked()
    assert call(monkeypatch, "attack", small, "--minutes", "0.5", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["format"], printed["kind"]) == (1, "attack")
    assert printed["study_hash"] == certified.study.hash
    assert set(printed["certificate"]) == {
        *("status", "claim", "objective", "bound", "gap", "gap_asked", "design", "boxes", "open_boxes", "seconds"),
        *("stopped_by", "audit"),
    }
    assert {name: printed[name] for name in COUNTS} == {name: getattr(answer, name) for name in COUNTS}
    assert printed["found"] == {"certificate": 0, "bound": 0, "box": 0, "enclosure": 0}
    assert (printed["contradictions"], printed["seconds_asked"]) == ([], 30.0)


def test_quiet_says_only_where_the_result_is(
    small: str, faked: Faked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faked()
    assert call(monkeypatch, "attack", small, "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert call(monkeypatch, "attack", small, "--quiet", "--out", "x.json") == 0
    assert capsys.readouterr() == ("result: x.json\n", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"feasible": 0, "boxes": 0, "best": None}, "there was no box to look at"),
        ({"boxes": 0}, "more minutes look at boxes too"),
    ],
)
def test_an_attack_that_tried_little_says_so(
    changes: dict[str, Any],
    words: str,
    small: str,
    faked: Faked,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    faked(**changes)
    assert call(monkeypatch, "attack", small) == 0
    assert words in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"status": "infeasible", "objective": None, "bound": None},
            "infeasible, no design meets every rule and bound",
        ),
        ({"status": "unknown", "objective": None, "bound": None, "gap": None}, "no design found, nothing proved"),
        ({"status": "unknown", "bound": None, "gap": None}, "HELD: no bound of a box, no enclosure is wrong."),
        ({"status": "feasible", "gap": 0.25, "gap_asked": 0.01}, "The gap asked for, 1.0 %, is not closed"),
        ({"status": "feasible", "gap": 0.25, "stopped_by": "interrupt"}, "It was interrupted. 5,000 designs"),
    ],
)
def test_what_a_certificate_leaves_open_is_said(
    changes: dict[str, Any],
    words: str,
    small: str,
    faked: Faked,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = faked().certified
    assert known is not None
    faked(certified=dataclasses.replace(known, **changes))
    assert call(monkeypatch, "attack", small) == 0
    assert words in " ".join(capsys.readouterr().out.split())


# Contradictions


def test_a_contradiction_ends_with_code_1_and_a_design_to_paste(
    small: str,
    faked: Faked,
    certified: dd.RunResult,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    design, objective = certified.result.design, certified.objective
    assert design is not None and objective is not None
    one = Contradiction("certificate", f"proved 99.0, but {objective!r} is feasible", design)
    outside = [Contradiction("enclosure", f"operation {number}: a value outside", None) for number in range(5)]
    faked(found={"certificate": 1, "enclosure": 41}, contradictions=(one, *outside))
    belief = "assumptions.launch.programme_share=0.3"
    assert call(monkeypatch, "attack", small, "--set", belief, "--set", "design.life_years=5") == 1
    captured = capsys.readouterr()
    assert "CONTRADICTED: certificate 1, enclosure 41." in captured.out
    assert f"  proved 99.0, but {objective!r} is feasible\n" in captured.out
    said = " ".join(captured.out.split())  # folded, and where depends on the digits before
    assert "(41, the first 3)" in said and "operation 3" not in said
    assert captured.err == "small: the certificate is contradicted: certificate 1, enclosure 41\n"
    pasted = _pasted(captured.out)
    assert pasted[:4] == ["evaluate", small, "--set", belief]
    assert [item.split("=")[0] for item in pasted[5::2]] == [f"design.{name}" for name in VARIABLES]
    assert call(monkeypatch, *pasted, "--json") in {0, 3}
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["design"] == design.to_dict()


def _pasted(out: str) -> list[str]:
    """Return the arguments of the command that a report shows, as a shell reads its lines."""
    lines = out[out.index("dawndusk evaluate") :].splitlines()
    last = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
    return shlex.split("\n".join(lines[: last + 1]).replace("\\\n", ""))[1:]


def test_contradictions_are_in_the_result_with_their_designs(
    small: str, faked: Faked, certified: dd.RunResult, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    design = certified.result.design
    assert design is not None
    faked(found={"box": 2}, contradictions=(Contradiction("box", "cut away", design), Contradiction("box", "lost")))
    assert call(monkeypatch, "attack", small, "--json", "--out", "x.json") == 1
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert (printed["held"], printed["found"]["box"]) == (False, 2)
    first, second = printed["contradictions"]
    assert (first["kind"], first["words"], first["design"]) == ("box", "cut away", design.to_dict())
    assert first["set"] == show.set_items(design)
    assert (second["design"], second["set"]) == (None, [])
    assert json.loads(Path("x.json").read_text(encoding="utf-8")) == printed


def test_an_audit_that_fails_and_a_certificate_that_could_not_be_made_are_contradictions(
    small: str, faked: Faked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = faked().certified
    assert known is not None
    faked(certified=dataclasses.replace(known, checks=(Check("replay", False, 9, "1 below"),)))
    assert call(monkeypatch, "attack", small) == 1
    captured = capsys.readouterr()
    assert "Its own audit failed: replay: 1 below." in captured.out
    assert captured.err == "small: the certificate is contradicted: audit: replay\n"
    faked(certified=None, found={"enclosure": 1}, contradictions=(Contradiction("enclosure", "inside out"),))
    assert call(monkeypatch, "attack", small) == 1
    assert "There is no certificate: making it ended in a contradiction." in capsys.readouterr().out


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["small.yaml", "--minutes", "0"], "--minutes: found '0'; allowed: a finite number above 0"),
        (["small.yaml", "--minutes", "-1"], "--minutes: found '-1'; allowed"),
        (["small.yaml", "--minutes", "nan"], "--minutes: found 'nan'; allowed"),
        (["small.yaml", "--minutes", "1e308"], "--minutes: found '1e308'; allowed"),
        (["small.yaml", "--minutes", "long"], "--minutes: found 'long'; allowed"),
        (["small.yaml", "--gap", "0"], "search.gap: found 0"),
        (["small.yaml", "--gap", "1"], "search.gap: found 1"),
        (["small.yaml", "--gap", "0.1", "--set", "search.gap=0.2"], "search.gap"),
        (["small.yaml", "--seed", "-1"], "search.seed: found -1"),
        (["small.yaml", "--workers", "many"], "search.workers: found 'many'"),
        (["suncacher"], "did you mean 'suncatcher'?"),
        (["small.yaml", "--set", "design.altitud_km=900"], "did you mean 'altitude_km'?"),
        (
            ["plan-200mw", "--gap", "0.1"],
            "plan-200mw: kind: found plan, of which there is no certificate; allowed: design",
        ),
        (["ground-only"], "ground-only: kind: found ground, of which there is no certificate; allowed: design"),
        (
            ["falcon9-today", "--set", "kind=pareto", "--set", "minimise=[wet_mass_kg, capex_usd]"],
            "kind: found pareto, of which there is no certificate; allowed: design, one goal of a front at a time",
        ),
        (["small.yaml", "--set", "search.engine=bayes"], "search: found a search by trials, which proves nothing"),
        (["small.yaml", "--set", "search.evaluator.command=[cat]"], "nothing can be proved of an evaluator"),
        (
            ["small.yaml", "--set", "search.engine=evolution", "--set", "search.evaluator.command=[cat]"],
            "allowed: engine certified, evolution or milp, without evaluator and strategy",
        ),
    ],
)
def test_misuse_is_one_message_before_the_attack(
    arguments: list[str],
    message: str,
    small: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(commands, "attack", never)
    assert call(monkeypatch, "attack", *arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert message in captured.err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("small.yaml", "found the ending '.yaml'; allowed: .json"),
        ("attack", "found the ending ''; allowed: .json"),
        ("notes.json", "found something that is no result of an attack; allowed: a new file, or such a result"),
        ("folder.json", "found something that is no result of an attack"),
        ("link.json", "found something that is no result of an attack"),
        ("small.yaml/x.json", "small.yaml is not a writable folder"),
        (f"{'x' * 5000}.json", "can not be written"),
    ],
    ids=["study", "no ending", "notes", "folder", "link", "below a file", "endless"],
)
def test_a_target_that_is_no_result_is_refused_before_the_attack(
    target: str, message: str, small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "attack", never)
    Path("notes.json").write_text('{"format": 1}', encoding="utf-8")
    Path("folder.json").mkdir()
    Path("link.json").symlink_to("elsewhere")
    before = {path.name: path.lstat().st_mtime_ns for path in Path().iterdir()}
    assert call(monkeypatch, "attack", small, "--out", target) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1 and len(captured.err) < 500
    assert message in captured.err
    assert {path.name: path.lstat().st_mtime_ns for path in Path().iterdir()} == before


def test_an_older_result_is_replaced_whole(
    small: str, faked: Faked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faked(designs=1)
    assert call(monkeypatch, "attack", small, "--out", "new/x.json", "--quiet") == 0
    faked(designs=2)
    assert call(monkeypatch, "attack", small, "--out", "new/x.json", "--quiet") == 0
    assert json.loads(Path("new/x.json").read_text(encoding="utf-8"))["designs"] == 2
    assert [path.name for path in Path("new").iterdir()] == ["x.json"]


def test_a_disk_that_is_full_leaves_no_half_of_a_file(
    small: str, faked: Faked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def half(path: Path, _: object) -> None:
        path.write_text("{", encoding="utf-8")
        raise OSError(28, "No space left on device")

    faked()
    monkeypatch.setattr(commands, "write_json", half)
    assert call(monkeypatch, "attack", small, "--out", "x.json") == 2
    assert capsys.readouterr().err == "error: x.json: can not be written: No space left on device\n"
    assert [path.name for path in Path().iterdir()] == ["small.yaml"]


def test_an_operation_without_a_bound_is_refused_as_a_run_refuses_it(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unbounded(*_: object, **__: object) -> None:
        raise NotBoundedError("leakage: found 2; allowed: up to 1")

    monkeypatch.setattr(commands, "attack", unbounded)
    assert call(monkeypatch, "attack", small) == 2
    said = capsys.readouterr().err
    monkeypatch.setattr("dawndusk.optimize.engines.certify", unbounded)
    assert call(monkeypatch, "run", small) == 2
    assert capsys.readouterr().err == said
    assert "allowed for such a study: search.engine evolution" in said


# Interrupts


def test_an_interrupt_gives_what_there_is_so_far(
    small: str, faked: Faked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = faked(seconds=2.5)

    def interrupted(*_: object, report: Callable[[Attacking], None], **__: object) -> Attacked:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return answer

    monkeypatch.setattr(commands, "attack", interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert call(monkeypatch, "attack", small, "--out", "x.json") == 130
    captured = capsys.readouterr()
    assert "HELD: nothing contradicts the certificate so far." in captured.out
    assert "2.5 s, seed 1, interrupted." in captured.out
    assert captured.err == "small: interrupted after 2.5 s; nothing contradicts it so far\n"
    written = json.loads(Path("x.json").read_text(encoding="utf-8"))
    assert (written["stopped_by"], written["held"]) == ("interrupt", True)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_of_the_certificate_ends_the_attack_at_the_next_report(
    small: str, faked: Faked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = faked(seconds=70.0)

    def attacked(*_: object, report: Callable[[Attacking], None], **__: object) -> Attacked:
        report(Attacking(1.0, 10, 0, 0))
        with pytest.raises(KeyboardInterrupt):  # as a certificate takes it, which is a result
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            report(Attacking(2.0, 20, 0, 0))
        return answer

    monkeypatch.setattr(commands, "attack", attacked)
    assert call(monkeypatch, "attack", small, "--quiet") == 130


@pytest.mark.slow
def test_an_interrupt_that_a_report_raises_ends_the_real_attack(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "attack", lambda *a, **options: attack(*a, **{**options, "report": interrupt}))
    assert call(monkeypatch, "attack", small, "--json", "--minutes", "0.3", "--workers", "1") == 130
    assert json.loads(capsys.readouterr().out)["stopped_by"] == "interrupt"


def test_a_contradiction_comes_before_an_interrupt(
    small: str, faked: Faked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faked(seconds=1.0, found={"bound": 1}, contradictions=(Contradiction("bound", "below"),))
    assert call(monkeypatch, "attack", small, "--quiet") == 1


def test_an_interrupt_before_there_is_anything_writes_nothing(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "attack", interrupted)
    assert call(monkeypatch, "attack", small, "--out", "x.json") == 130
    captured = capsys.readouterr()
    assert (captured.out, captured.err.strip()) == ("", "interrupted; nothing was written")
    assert not Path("x.json").exists()
