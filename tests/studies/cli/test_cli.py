from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import dawndusk
import dawndusk as dd
from dawndusk.studies.cli import main
from dawndusk.studies.cli import runs as commands
from dawndusk.studies.cli.main import COMMANDS, command_named
from dawndusk.studies.cli.terminal import INFEASIBLE
from dawndusk.studies.input.studyfile import json_schema, library_names, read_study
from dawndusk.studies.run.folder.writing import CERTIFICATE, FILES, PROOF_FILES

SMALL = """\
name: small
extends: orbit-200mw
design:
  accelerator: tpu_v7
  accelerators_per_satellite: 126
  orbit: dawn_dusk_sso
  radiator: deployable_two_phase
  shielding_mm: 7
  array: silicon_flexible
  array_oversize: 1.05
  eclipse_ride_through: 0
  spare_fraction: 0.1
  optical_terminals: 2
  life_years: 6
  vehicle: starship_v3
  launches_per_year: 80
search: {second_bound: false}
"""
LONGEST_WAIT_S = 90.0
SRC = str(Path(dawndusk.__file__).parent.parent)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A study with two free variables in an empty current directory."""
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL, encoding="utf-8")
    return "small.yaml"


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["dawndusk", *arguments])
    with pytest.raises(SystemExit) as left:
        main.main()
    return int(left.value.code or 0)


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": SRC}
    return subprocess.Popen(
        [sys.executable, "-m", "dawndusk", *arguments],
        text=True,
        stderr=subprocess.PIPE,
        env=environment,
        **{"stdout": subprocess.PIPE, **options},
    )


def finish(*arguments: str) -> tuple[int, str, str]:
    process = start(*arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


# As another process


def test_a_run_from_outside(small: str) -> None:
    code, out, err = finish("run", small, "--out", "here")
    assert (code, err) == (0, "")
    assert "Best design found: lcoc_usd_per_pflop_hour = " in out
    assert out.rstrip().endswith("run folder: here")
    assert {path.name for path in Path("here").iterdir()} == FILES | {CERTIFICATE}
    assert "proved within 0.10 %: no design costs less than " in " ".join(out.split())
    assert list(Path("certificates").glob("*.json"))


def test_bad_input_from_outside(small: str) -> None:
    code, out, err = finish("check", small, "--set", "design.altitud_km=900")
    assert (code, out) == (2, "")
    assert err.startswith("error: --set design.altitud_km=900: design.altitud_km: found an unknown key")
    assert "did you mean 'altitude_km'?" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", [["schema"], ["list"]], ids=["json", "tables"])
def test_a_reader_that_leaves_early_is_no_failure(command: Sequence[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*command, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["tables", "json"])
def test_a_reader_that_leaves_early_does_not_hide_how_a_command_ended(form: Sequence[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    broken = ["--set=design.altitude_km=900", "--set=design.radiator_area_m2=60"]
    process = start("evaluate", "falcon9-today", *broken, *form, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (INFEASIBLE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("command", [["schema"], ["list"], ["--help"]], ids=["json", "tables", "help"])
def test_a_full_disk_behind_the_output_is_one_message(command: Sequence[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = start(*command, stdout=full)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (2, "error: output can not be written: No space left on device\n")


def _wait_for(path: Path) -> None:
    end = time.monotonic() + LONGEST_WAIT_S
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.2)


def test_an_interrupt_of_a_certified_run_keeps_what_was_found(small: str) -> None:
    names = {"accelerator": "tpu_v7", "radiator": "deployable_two_phase", "array": "silicon_flexible"}
    items = [f"--set=design.{variable}={name}" for variable, name in names.items()]
    process = start("run", "orbit-200mw", *items, "--gap", "1e-8", "--out", "here", "--quiet")
    _wait_for(Path("here"))  # the first open boxes are kept: it is in the proof, which takes longer
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "run folder: here\n")
    assert err.startswith("orbit-200mw: status: ")
    assert err.endswith("interrupted; go on with: dawndusk run --resume here\n")
    assert {path.name for path in Path("here").iterdir()} == FILES | PROOF_FILES
    assert json.loads(Path("here/optimum.json").read_text())["stopped_by"] == "interrupt"


def test_an_interrupt_from_outside_leaves_nothing(small: str, tmp_path: Path) -> None:
    designs = "--set=search.designs=100000000"
    process = start("run", "orbit-200mw", "--out", "here", "--quiet", "--engine", "evolution", designs)
    time.sleep(4)  # in the search, which takes minutes
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "interrupted; nothing was written"
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]


@pytest.mark.parametrize(
    "interrupted",
    ["exec('raise KeyboardInterrupt')", "type('', (), {'part': Part()})"],
    ids=["executed text", "names of a class"],
)
def test_an_interrupt_while_a_module_is_made_ends_with_our_code(interrupted: str, small: str) -> None:
    script = f"""
from dawndusk.studies.cli import main
class Part:
    def __set_name__(self, owner, name):
        raise KeyboardInterrupt
main.application.main = lambda **_: {interrupted}
main.main()
"""
    Path("interrupted.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([SRC, "."])}
    command = [sys.executable, "-m", "interrupted"]  # only modules keep the mark of an interrupt to their end
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (process.returncode, process.stderr) == (130, "interrupted; nothing was written\n")


# In this process


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], *([name, "--help"] for name in COMMANDS)])
def test_help_explains_itself(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *arguments) == 0
    out = " ".join(capsys.readouterr().out.split())
    expected = COMMANDS.get(arguments[0], "Commands:")
    assert expected in out


def test_help_lists_every_command_with_its_own_sentence() -> None:
    for name, sentence in COMMANDS.items():
        command = command_named(name)
        assert command.name == name
        assert (command.help or "").startswith(sentence)


def test_the_version_is_that_of_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"dawndusk, version {dd.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rn"], "did you mean 'run'?"),
        (["evalute", "orbit-200mw"], "did you mean 'evaluate'?"),
        (["RUN"], "did you mean 'run'?"),
        (["evaluate", "orbit-200mw", "--jsn"], "--json"),
        (["run", "orbit-200mw", "--ot", "x"], "--out"),
        (["run"], "Missing argument 'STUDY'"),
        (["run", "a", "b"], "unexpected extra argument"),
        (["check"], "Missing argument"),
        (["list", "vehicle"], "'vehicles'"),
        (["run", "orbit-200mv"], "did you mean 'orbit-200mw'?"),
        (["run", "orbit-200mw", "--set"], "requires an argument"),
    ],
)
def test_misuse_names_what_is_allowed(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


def test_run_in_json_is_what_the_api_gives(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "run", small, "--json", "--no-explain", "--out", "here") == 0
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert captured.err == "run folder: here\n"
    result = dd.load(small).run()
    assert isinstance(result, dd.RunResult)
    expected = json.loads(json.dumps(result.to_dict()))
    timed = {"seconds", "history"}
    assert {k: v for k, v in printed.items() if k not in timed} == {k: v for k, v in expected.items() if k not in timed}
    assert printed["history"][-1]["objective"] == printed["objective"]
    assert json.loads(Path("here/optimum.json").read_text()) == printed


def test_evaluate_in_json_is_what_the_api_gives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    item = "design.accelerators_per_satellite=100"
    assert call(monkeypatch, "evaluate", "orbit-200mw", "--set", item, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    expected = dd.evaluate("orbit-200mw", accelerators_per_satellite=100).to_dict()
    assert printed == json.loads(json.dumps(expected))


def test_evaluate_shows_every_outcome(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "evaluate", "orbit-200mw") == 0
    out = capsys.readouterr().out
    assert out.startswith("Feasible: every rule and bound is met.")
    assert "training_run_energy_mwh" in out


def test_evaluate_of_what_breaks_a_rule(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "evaluate", "orbit-200mw", "--set", "design.optical_terminals=0") == 3
    out = capsys.readouterr().out
    assert out.startswith("INFEASIBLE")
    assert "connectivity: 0, at least 2 (broken by 100.0%)" in out


def test_compare_puts_the_ground_beside(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "compare", small, small, "--json") == 0
    columns = json.loads(capsys.readouterr().out)
    assert list(columns) == ["small", "small (2)", "ground (small)", "ground (small (2))"]
    assert columns["small"] == columns["small (2)"]
    ground = columns["ground (small)"]["lcoc_usd_per_pflop_hour"]
    assert ground == columns["small"]["ground_lcoc_usd_per_pflop_hour"]
    assert call(monkeypatch, "compare", small, "ground-only") == 0
    out = capsys.readouterr().out
    assert "ground-only" in out
    assert "lcoc_usd_per_pflop_hour" in out


def test_compare_of_an_infeasible_study(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "compare", small, "--set", "design.optical_terminals=0") == 3
    assert "broken: " in capsys.readouterr().err


@pytest.mark.parametrize("what", ["studies", "variables", "outcomes", "vehicles"])
def test_list_in_json(what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "list", what, "--json") == 0
    (names,) = json.loads(capsys.readouterr().out).values()
    assert all(names.values())
    assert what != "studies" or list(names) == library_names()


def test_schema_is_that_of_the_api(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "schema") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(json_schema()))


def test_check_of_every_library_study(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "check", *library_names()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == library_names()
    assert all(read_study(line.split(":")[0]).hash[:12] in line for line in lines)


@pytest.mark.parametrize(("tolerance", "code"), [("0.5", 0), ("1e-9", 1)])
def test_validate_of_own_cases(
    tolerance: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from dawndusk.studies.published.validation import SHIPPED_CASES  # noqa: PLC0415

    frame = pd.read_csv(str(SHIPPED_CASES), dtype=str).head(1)
    column = next(name for name in frame.columns if "tolerance" in name)
    wrong = next(name for name in frame.columns if name.startswith("expected"))
    frame[column] = tolerance
    if code:
        frame[wrong] = str(float(frame[wrong][0]) * 1.01)
    path = tmp_path / "cases.csv"
    frame.to_csv(path, index=False)
    assert call(monkeypatch, "validate", "--cases", str(path)) == code
    assert f"{1 - code} of 1 cases agree" in capsys.readouterr().out


def test_a_time_limit_ends_with_code_4(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    items = ["--time-limit", "0.2", "--engine", "evolution"]
    assert call(monkeypatch, "run", "orbit-200mw", *items, "--quiet", "--out", "x") == 4
    captured = capsys.readouterr()
    assert captured.out == "run folder: x\n"
    assert captured.err == "orbit-200mw: status: feasible, but the search was ended by its time limit\n"
    assert json.loads(Path("x/manifest.json").read_text())["stopped_by"] == "time limit"


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("evolution", "INFEASIBLE: no design found that meets every rule."),
        ("certified", "INFEASIBLE: proved, no design meets every rule and bound."),
        ("milp", "INFEASIBLE: proved, no design meets every rule and bound."),
    ],
)
def test_an_infeasible_run_is_written_and_names_the_rule(
    engine: str, words: str, small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    items = ["--set", "design.optical_terminals=0", "--out", "x"]
    assert call(monkeypatch, "run", small, *items, "--engine", engine) == 3
    captured = capsys.readouterr()
    assert words in " ".join(captured.out.split())
    assert "connectivity" in captured.err
    assert json.loads(Path("x/optimum.json").read_text())["broken"][0] == "connectivity"


def test_the_default_folder_names_the_study_and_its_hash(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "run", small, "--quiet") == 0
    folder = Path("runs") / f"small-{read_study(small).hash[:8]}"
    assert capsys.readouterr().out == f"run folder: {folder}\n"
    assert (folder / "manifest.json").is_file()


def test_an_objective_of_zero_can_be_shown(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    items = ["--set", "minimise=insurance_cost_usd", "--set", "design.array=[silicon_flexible, iii_v_rosa]"]
    assert call(monkeypatch, "run", small, *items, "--engine", "evolution") == 0
    assert "insurance_cost_usd = 0 USD" in capsys.readouterr().out


def never(*_: object, **__: object) -> None:
    raise AssertionError("the search was started")


@pytest.mark.parametrize(
    "kind", ["foreign folder", "file", "foreign manifest", "run with notes", "endless name", "link"]
)
def test_a_target_that_is_no_run_folder_is_refused_before_the_search(
    kind: str, small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "run_design", never)
    target = Path("x" * 5000 if kind == "endless name" else "target")
    if kind == "file":
        target.write_text("precious", encoding="utf-8")
    elif kind == "link":
        target.symlink_to("elsewhere")
    elif kind != "endless name":
        target.mkdir()
        manifest = {"study_hash": "0"} if kind == "run with notes" else {"manifest_version": 3}
        if kind != "foreign folder":
            (target / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        if kind != "foreign manifest":
            (target / "notes.txt").write_text("precious", encoding="utf-8")
    before = sorted(path.name for path in Path().rglob("*"))
    assert call(monkeypatch, "run", small, "--out", str(target)) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 500
    assert sorted(path.name for path in Path().rglob("*")) == before


def test_a_ground_study_writes_no_folder(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "run", "ground-only", "--json") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "ground"
    assert call(monkeypatch, "run", "ground-only", "--out", "x") == 2
    assert "ground study, which writes no run folder" in capsys.readouterr().err
    assert not Path("x").exists()


def test_an_interrupt_of_the_search_writes_nothing(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run_design", interrupted)
    assert call(monkeypatch, "run", small, "--out", "x") == 130
    assert capsys.readouterr().err.strip() == "interrupted; nothing was written"
    assert not Path("x").exists()
