"""The command line of proofs: options, exit codes, going on, and contradictions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.optimize import engines
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.result import Check
from dawndusk.studies.cli import main
from dawndusk.studies.cli import runs as commands
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.folder.writing import write_run


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["dawndusk", *arguments])
    with pytest.raises(SystemExit) as left:
        main.main()
    return int(left.value.code or 0)


@pytest.fixture
def small(certified: dd.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(certified.study.to_yaml(), encoding="utf-8")
    return "small.yaml"


def test_options_are_recorded_in_the_study(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--engine", "certified", "--gap", "0.02", "--time-limit", "30", "--no-audit"]
    assert call(monkeypatch, "run", small, "--out", "x", *options) == 0
    search = read_study(Path("x/study.yaml")).search
    assert (search.gap, search.time_limit_s, search.audit, search.engine) == (0.02, 30, False, "certified")
    out = " ".join(capsys.readouterr().out.split())
    assert "proved within 2.0 %: no design costs less than" in out
    assert "Audit not run." in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gap", "2"], "search.gap: found 2"),
        (["--gap", "tight"], "search.gap: found 'tight'"),
        (["--time-limit", "0"], "search.time_limit_s: found 0"),
        (["--engine", "evolve"], "did you mean 'evolution'"),
        (["--gap", "0.1", "--set", "search.gap=0.2"], "search.gap"),
        (["--resume", "x"], "--resume: found STUDY beside it"),
    ],
)
def test_misuse_of_an_option_is_explained(
    arguments: list[str],
    message: str,
    small: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(monkeypatch, "run", small, *arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume", "run", "--gap", "0.1"], "found --gap beside it"),
        (["--resume", "run", "--set", "design.life_years=5"], "found --set beside it"),
        (["--resume", "run", "--no-audit"], "found --no-audit beside it"),
        (["--resume", "run", "--out", "y"], "found --out beside it"),
        (["--resume", "run", "--time-limit", "-1"], "search.time_limit_s: found -1"),
        (["--resume", "nowhere"], "found no manifest.json of a run"),
    ],
)
def test_misuse_of_resume_is_explained(
    arguments: list[str],
    message: str,
    small: str,
    unfinished: dd.RunResult,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_run(unfinished, Path("run"))
    assert call(monkeypatch, "run", *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_run_goes_on_and_says_how_to_go_on_further(
    small: str, unfinished: dd.RunResult, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(unfinished, Path("run"))
    before = json.loads(Path("run/certificate.json").read_text())
    assert call(monkeypatch, "run", "--resume", "run", "--time-limit", "2", "--quiet") == 4
    captured = capsys.readouterr()
    assert captured.out == "run folder: run\n"
    assert captured.err.startswith("orbit-200mw: status: feasible with a gap of ")
    assert captured.err.endswith("ended by its time limit; go on with: dawndusk run --resume run\n")
    after = json.loads(Path("run/certificate.json").read_text())
    assert after["boxes"] > before["boxes"]
    assert after["bound"] >= before["bound"]
    assert after["study_hash"] == before["study_hash"]


def test_a_design_that_beats_a_certificate_ends_with_code_1(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "run", small, "--quiet") == 0
    (path,) = Path("runs/certificates").iterdir()
    wrong = {**json.loads(path.read_text()), "bound": 14.5, "objective": 14.51}
    path.write_text(json.dumps(wrong), encoding="utf-8")
    capsys.readouterr()
    assert call(monkeypatch, "run", small, "--quiet", "--engine", "evolution") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {path.absolute()}: a design beats a certificate")
    assert "no design is better than 14.5" in captured.err


def test_a_damaged_ledger_is_found_before_the_search(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "run", small, "--quiet") == 0
    (path,) = Path("runs/certificates").iterdir()
    path.write_text("{", encoding="utf-8")
    monkeypatch.setattr(commands, "run_design", lambda *_, **__: pytest.fail("the search was started"))
    assert call(monkeypatch, "run", small, "--quiet") == 2
    assert "found a certificate that can not be read" in capsys.readouterr().err


def test_an_audit_that_fails_ends_with_code_1(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = certify

    def doubted(*arguments: Any, **options: Any) -> Any:
        object.__setattr__(found := real(*arguments, **options), "checks", (Check("replay", False, 9, "1 below"),))
        return found

    monkeypatch.setattr(engines, "certify", doubted)
    assert call(monkeypatch, "run", small, "--out", "x") == 1
    captured = capsys.readouterr()
    assert "Audit failed (replay: 1 below)." in captured.out
    assert captured.err == "small: the audit failed: replay: 1 below\n"
    assert json.loads(Path("x/optimum.json").read_text())["audit"] == "failed"


def test_an_interrupt_in_the_proof_is_a_result(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dawndusk.optimize.certify.search._Run._tell", interrupt)
    assert call(monkeypatch, "run", small, "--gap", "1e-6", "--out", "x", "--json") == 130
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert (printed["stopped_by"], printed["status"]) == ("interrupt", "feasible")
    assert Path("x/optimum.json").is_file()


def test_an_interrupt_before_the_proof_replaces_nothing(
    small: str, certified: dd.RunResult, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    write_run(certified, Path("x"))
    before = Path("x/optimum.json").read_bytes()
    monkeypatch.setattr("dawndusk.optimize.certify.search._Run._first_designs", interrupt)
    assert call(monkeypatch, "run", small, "--out", "x") == 130
    assert capsys.readouterr().err == "interrupted; nothing was written\n"
    assert Path("x/optimum.json").read_bytes() == before


def test_a_model_is_exported(small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "export-model", small, "model.mps") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("model of tpu_v7, dawn_dusk_sso,")
    assert captured.err.startswith("one of 2 combinations")
    assert Path("model.mps").stat().st_size > 1000
    assert call(monkeypatch, "export-model", small, "model.xls") == 2
    assert "found the ending '.xls'; allowed: .lp, .mps" in capsys.readouterr().err
