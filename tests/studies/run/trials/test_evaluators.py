from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.space.dimensions import Value
from dawndusk.optimize.trials.loop import answers_of
from dawndusk.optimize.trials.question import TrialAnswer
from dawndusk.studies.run.trials import programs
from dawndusk.studies.run.trials.evaluators import EvaluatorError, ProgramEvaluator, answer_from, read_evaluator

Program = Callable[..., ProgramEvaluator]
POINT: dict[str, Value] = {"altitude_km": 0.1 + 0.2, "satellites": 3, "vehicle": "starship_v3"}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """An evaluator that runs a Python script."""

    def make(script: str, needed: tuple[str, ...] = ("cost_usd",), **options: float) -> ProgramEvaluator:
        file = tmp_path / "simulate.py"
        file.write_text(f"import json, os, sys, time\n{script}\n", encoding="utf-8")
        command = [sys.executable, "-I", "-S", str(file)]
        made = read_evaluator(command, needed, timeout_s=options.get("timeout_s", 30.0))
        assert isinstance(made, ProgramEvaluator)
        return ProgramEvaluator(made.command, made.needed, made.timeout_s, int(options.get("retries", 0)))

    return make


def failure(answers: Sequence[TrialAnswer]) -> tuple[str, str]:
    (answer,) = answers
    assert answer.failure is not None
    assert not answer.outcomes
    return answer.failure.kind, answer.failure.words


def test_a_program_reads_the_design_and_answers_with_outcomes(program: Program) -> None:
    evaluator = program(
        "design = json.load(sys.stdin)\n"
        "print('a log line', file=sys.stderr)\n"
        "print(json.dumps({'cost_usd': design['altitude_km'], 'n': design['satellites'], 'note': 'x', 'ok': True}))"
    )
    assert evaluator([POINT, {**POINT, "satellites": 5}]) == [
        TrialAnswer({"cost_usd": 0.1 + 0.2, "n": 3.0}),
        TrialAnswer({"cost_usd": 0.1 + 0.2, "n": 5.0}),
    ]


MISBEHAVIOUR = {
    "exit": ("sys.exit('no licence')", "exit status", r"exit status 1; it wrote: no licence"),
    "signal": ("os.kill(os.getpid(), 9)", "exit status", "exit status -9"),
    "garbage": ("print('cost: 3 USD')", "not JSON", r"found cost: 3 USD on standard output; allowed: one JSON"),
    "nothing": ("pass", "not JSON", "found nothing on standard output"),
    "bytes": ("sys.stdout.buffer.write(bytes(range(256)))", "not JSON", "allowed: one JSON object"),
    "deep": ("print('[' * 100000)", "not JSON", "allowed: one JSON object"),
    "two": ("print('{}{}')", "not JSON", r"found \{\}\{\}"),
    "list": ("print('[1]')", "not JSON", r"found \[1\]; allowed: an object"),
    "half": ("print('{\"cost_eur\": 1}')", "missing outcome", r"cost_usd: found none among cost_eur \(did you mean"),
    "nan": ("print('{\"cost_usd\": NaN}')", "not a number", "cost_usd: found nan; allowed a finite number"),
    "infinite": ("print('{\"cost_usd\": -Infinity}')", "not a number", "found -inf"),
    "huge": ("print('{\"cost_usd\": 1' + '0' * 400 + '}')", "not a number", "found 1000"),
    "text": ('print(\'{"cost_usd": "12"}\')', "not a number", "found '12'"),
    "null": ("print('{\"cost_usd\": null}')", "not a number", "found None"),
    "truth": ("print('{\"cost_usd\": true}')", "not a number", "found True"),
    "says so": ('print(\'{"failed": "did not converge"}\')', "told", "did not converge"),
    "endless": ("while True: print('x' * 1000)", "too much output", "more than 1048576 bytes"),
}


@pytest.mark.parametrize(("script", "kind", "words"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR)
def test_whatever_else_it_does_is_a_failure(program: Program, script: str, kind: str, words: str) -> None:
    found = failure(program(script)([POINT]))
    assert found[0] == kind
    assert re.search(words, found[1])


def test_a_program_need_not_read_nor_close_anything(program: Program) -> None:
    point: dict[str, float] = {f"x{index}": float(index) for index in range(20_000)}  # more than a pipe holds
    assert program("print('{\"cost_usd\": 1}')")([point]) == [TrialAnswer({"cost_usd": 1.0})]
    evaluator = program("print(json.dumps({'cost_usd': sum(json.load(sys.stdin).values())}))")
    assert evaluator([point]) == [TrialAnswer({"cost_usd": sum(point.values())})]


def test_only_the_end_of_the_error_output_is_kept(program: Program) -> None:
    kind, words = failure(program("sys.stderr.write('x' * 10**6 + ' the end'); sys.exit(2)")([POINT]))
    assert kind == "exit status"
    assert words.endswith("the end")
    assert len(words) < 400


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"


def wait_for_end(pid: int) -> bool:
    end = time.monotonic() + 20.0
    while is_alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


CHILD = "import subprocess; child = subprocess.Popen(['sleep', '600'])\nopen({file!r}, 'w').write(str(child.pid))\n"


def child_of(file: Path) -> int:
    end = time.monotonic() + 20.0
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return int(file.read_text())


def test_one_that_hangs_is_ended_with_all_that_it_started(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "child"
    evaluator = program(
        CHILD.format(file=str(file)) + "print('waiting', file=sys.stderr, flush=True); time.sleep(600)", timeout_s=2.0
    )
    kind, words = failure(evaluator([POINT]))
    assert (kind, words) == ("timeout", "no answer after 2 s; it wrote: waiting")
    assert wait_for_end(child_of(file))


def test_what_it_leaves_running_neither_delays_nor_outlives_it(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "child"
    evaluator = program(CHILD.format(file=str(file)) + "print('{\"cost_usd\": 1}')", timeout_s=60.0)
    assert evaluator([POINT]) == [TrialAnswer({"cost_usd": 1.0})]
    assert wait_for_end(child_of(file))


OWNER = """
import sys
from dawndusk.studies.run.trials.programs import run_limited
run_limited(sys.argv[1:], b"", 600.0)
"""


def test_a_program_does_not_outlive_a_kill_of_its_owner(tmp_path: Path) -> None:
    file, script = tmp_path / "child", tmp_path / "hang.py"
    script.write_text(CHILD.format(file=str(file)) + "import time; time.sleep(600)", encoding="utf-8")
    with subprocess.Popen([sys.executable, "-c", OWNER, sys.executable, "-I", "-S", script]) as owner:
        child = child_of(file)
        assert is_alive(child)
        owner.send_signal(signal.SIGKILL)
    assert wait_for_end(child)


def test_another_attempt_may_succeed(program: Program, tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = (
        f"n = os.path.getsize({str(count)!r}) if os.path.exists({str(count)!r}) else 0\n"
        f"open({str(count)!r}, 'a').write('.')\n"
        "sys.exit(3) if n < 2 else print('{\"cost_usd\": 1}')"
    )
    assert failure(program(script, retries=1)([POINT]))[0] == "exit status"
    count.unlink()
    assert program(script, retries=2)([POINT]) == [TrialAnswer({"cost_usd": 1.0})]
    assert count.stat().st_size == 3


def test_an_answer_that_is_wrong_is_not_asked_for_again(program: Program, tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f"open({str(count)!r}, 'a').write('.'); print('{{}}')"
    assert failure(program(script, retries=5)([POINT]))[0] == "missing outcome"
    assert count.stat().st_size == 1


def test_a_program_that_goes_away_is_a_failure(tmp_path: Path) -> None:
    gone = tmp_path / "simulate"
    gone.write_text("#!/bin/sh\necho '{\"cost_usd\": 1}'\n", encoding="utf-8")
    gone.chmod(0o755)
    evaluator = read_evaluator(str(gone), ("cost_usd",))
    assert evaluator([POINT]) == [TrialAnswer({"cost_usd": 1.0})]
    gone.unlink()
    kind, words = failure(evaluator([POINT]))
    assert kind == "no program"
    assert words.endswith("No such file or directory")


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("", "found no program"),
        ([], "found no program"),
        ("simulate 'half", "No closing quotation"),
        ("no-such-program --fast", "found 'no-such-program', which is no program that can be run"),
        ("os:getcwd", "found Python code, os:getcwd; allowed only with --allow-code"),
    ],
)
def test_what_can_not_be_run_is_refused_beforehand(stated: str | list[str], message: str) -> None:
    with pytest.raises(EvaluatorError, match=message):
        read_evaluator(stated, ())


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    evaluator = read_evaluator("echo '{\"cost_usd\": 7}' > out; rm *", ("cost_usd",))
    assert isinstance(evaluator, ProgramEvaluator)
    assert evaluator.command[1:] == ('{"cost_usd": 7}', ">", "out;", "rm", "*")
    assert failure(evaluator([POINT]))[0] == "not JSON"


MODULE = """
import numpy as np
def cost(design):
    print("a line that belongs to nobody")
    if design["satellites"] > 4:
        raise ValueError("too many")
    return {"cost_usd": np.float32(2.0), "n": np.int64(design["satellites"]), "name": "x"}
def nothing(design):
    return None
def leave(design):
    raise SystemExit(3)
class Model:
    @staticmethod
    def cost(design):
        return {"cost_usd": 1}
def hang(design):
    import time
    time.sleep(600)
NUMBER = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module with functions in the current directory; its name is new in each test."""
    name = f"model_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken_module_of_a_test.py").write_text("import nothing_of_the_kind", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def test_a_function_answers_where_code_is_allowed(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    evaluator = read_evaluator(f"{module}:cost", ("cost_usd",), allow_code=True)
    assert evaluator([POINT]) == [TrialAnswer({"cost_usd": 2.0, "n": 3.0})]
    assert capsys.readouterr().out == ""
    assert failure(evaluator([{**POINT, "satellites": 5}])) == ("exception", "ValueError: too many")
    assert read_evaluator(f"{module}:Model.cost", (), allow_code=True)([POINT]) == [TrialAnswer({"cost_usd": 1.0})]


@pytest.mark.parametrize(("function", "kind"), [("nothing", "not JSON"), ("leave", "exception")])
def test_a_function_that_gives_no_outcomes_is_a_failure(module: str, function: str, kind: str) -> None:
    assert failure(read_evaluator(f"{module}:{function}", (), allow_code=True)([POINT]))[0] == kind


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("no_such_module_at_all:cost", r"module no_such_module_at_all can not be imported \(ModuleNotFoundError"),
        ("broken_module_of_a_test:cost", r"can not be imported \(ModuleNotFoundError: No module named 'nothing_of"),
        ("{}:cots", r"found no cots in .* \(did you mean 'cost'\?\)"),
        ("{}:NUMBER", "which is no function"),
    ],
)
def test_a_function_that_is_not_there_is_refused_beforehand(module: str, stated: str, message: str) -> None:
    with pytest.raises(EvaluatorError, match=message):
        read_evaluator(stated.format(module), (), allow_code=True)


def test_a_function_works_in_other_processes_and_in_limited_time(module: str) -> None:
    evaluator = read_evaluator(f"{module}:cost", ("cost_usd",), allow_code=True)
    with open_executor(1, context=evaluator, time_limit_s=60.0) as crew:
        crew.submit(answers_of, [POINT])
        done = crew.done()
    assert done is not None
    assert done.value() == [TrialAnswer({"cost_usd": 2.0, "n": 3.0})]
    hanging = read_evaluator(f"{module}:hang", (), allow_code=True)
    with open_executor(1, context=hanging, time_limit_s=3.0) as crew:
        crew.submit(answers_of, [POINT])
        done = crew.done()
    assert done is not None
    assert done.failure is not None
    assert done.failure.kind == "timeout"


def test_outcomes_are_the_numbers_of_an_object() -> None:
    assert answer_from({"a": 1, "b": True, "c": [1.0], "d": 2.5}, ("a",)) == TrialAnswer({"a": 1.0, "d": 2.5})


def test_the_guard_is_started_once() -> None:
    assert programs._guard(os.getpid()) is programs._guard(os.getpid())
    assert programs._guard(os.getpid()).poll() is None


def test_a_design_is_sent_with_every_digit(program: Program) -> None:
    evaluator = program("sys.stdout.write(json.dumps({'cost_usd': json.loads(sys.stdin.read())['altitude_km']}))")
    (answer,) = evaluator([POINT])
    assert answer.outcomes["cost_usd"] == json.loads(json.dumps(POINT))["altitude_km"] == 0.1 + 0.2
