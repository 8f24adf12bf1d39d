from __future__ import annotations

import dataclasses
import json
import math
import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from optuna.storages.journal import _storage as replaying

from dawndusk.optimize.space.dimensions import Category, RealNumber, Space, Value, WholeNumber
from dawndusk.optimize.trials.question import Failure, Goal, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.samplers.distributions import distributions_of
from dawndusk.optimize.trials.store import StoreError
from dawndusk.studies.run.store import store as stores
from dawndusk.studies.run.store.address import Address, read_address
from dawndusk.studies.run.store.journal import Journal
from dawndusk.studies.run.store.reading import check_version, read_trials
from dawndusk.studies.run.store.store import TrialStore, open_store

SPACE = Space(
    {
        "height_km": RealNumber(500.0, 1500.0),
        "dose": RealNumber(1e-3, 1e3, logarithmic=True),
        "size": WholeNumber(1, 64),
        "bus": Category(("light", "heavy")),
    }
)
QUESTION = Question(SPACE, (Goal("cost_usd"), Goal("yield", "maximise")), ("mass", "capex_usd <= 5e9"))
PARTS = {"study": "12ab", "evaluator": "built-in"}


def point(height: float = 0.1 + 0.2, **changes: Value) -> dict[str, Value]:
    return {"height_km": 600.0 + height, "dose": 1.0 / 3.0, "size": 7, "bus": "heavy", **changes}


def good(cost: float = 1.0 / 3.0, mass: float = -0.25) -> TrialAnswer:
    return TrialAnswer({"cost_usd": cost, "yield": 2.0, "mass_kg": 1e22}, {"mass": mass, "capex_usd <= 5e9": 0.0})


def answered(trial: Trial, answer: TrialAnswer) -> Trial:
    return dataclasses.replace(trial, answer=answer)


@contextmanager
def opened(address: Address, name: str, parts: dict[str, str] | None = None, **options: bool) -> Iterator[TrialStore]:
    with open_store(address, name, QUESTION, PARTS if parts is None else parts, **options) as store:
        yield store


def test_what_was_asked_and_told_is_there_for_the_next_process(address: Address, name: str) -> None:
    failure = TrialAnswer(failure=Failure("timeout", "no answer after 3 s"))
    with opened(address, name) as store:
        asked = store.ask([point(0.1), point(0.2, bus="light"), point(0.3)], batch=4)
        told = [answered(asked[0], good()), answered(asked[2], failure)]
        store.tell(told)
        store.note("sampler", {"name": "tpe"})
    with opened(address, name) as store:
        records = store.read()
        assert store.notes == {"sampler": {"name": "tpe"}}
    assert [record.trial for record in records] == [told[0], asked[1], told[1]]
    assert [record.batch for record in records] == [4, 4, 4]
    assert read_trials(address, name, QUESTION, PARTS) == records
    assert all(type(record.trial.point["size"]) is int for record in records)


def test_numbers_go_on(address: Address, name: str) -> None:
    with opened(address, name) as store:
        first = store.ask([point(0.0), point(1.0)], batch=0)
        assert store.ask([], batch=1) == []
        with opened(address, name) as other:
            second = other.ask([point(2.0)], batch=1)
        third = store.ask([point(3.0)], batch=2)
    assert [trial.number for trial in [*first, *second, *third]] == [0, 1, 2, 3]


def test_an_outcome_that_is_not_finite_comes_back_as_none_known(address: Address, name: str) -> None:
    answer = TrialAnswer({"cost_usd": 1.0, "yield": 2.0, "ratio": math.inf}, dict(good().violations))
    with opened(address, name) as store:
        store.tell([answered(store.ask([point()], batch=0)[0], answer)])
        store.tell([answered(store.ask([point(5.0)], batch=0)[0], good())])
    found = read_trials(address, name, QUESTION, PARTS)[0].trial.answer
    assert found is not None
    assert math.isnan(found.outcomes["ratio"])
    assert found.violations == answer.violations


def test_a_trial_is_told_once_and_only_if_asked(address: Address, name: str) -> None:
    with opened(address, name) as store:
        (trial,) = store.ask([point()], batch=0)
        with opened(address, name) as other:
            other.tell([answered(trial, good())])
        with pytest.raises(StoreError, match="trial 0: found a trial that has its answer"):
            store.tell([answered(trial, good(2.0))])
    with opened(address, name) as store, pytest.raises(StoreError, match="trial 3: found no such trial"):
        store.tell([Trial(3, point(), good())])
    assert [record.trial.answer for record in read_trials(address, name, QUESTION, PARTS)] == [good()]


def plain(address: Address) -> optuna.storages.BaseStorage:
    """The store as any other program would open it."""
    if address.kind == "journal":
        return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(address.place))
    return optuna.storages.RDBStorage(address.url)


def close(storage: optuna.storages.BaseStorage) -> None:
    if isinstance(storage, optuna.storages.RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def test_optuna_reads_it_as_its_own(address: Address, name: str) -> None:
    answers = [good(1.0, mass=0.5), good(2.0), good(3.0), TrialAnswer(failure=Failure("exit status", "exit status 3"))]
    with opened(address, name) as store:
        asked = store.ask([point(float(index)) for index in range(5)], batch=1)
        store.tell([answered(trial, answer) for trial, answer in zip(asked[:4], answers, strict=True)])
    storage = plain(address)
    study = optuna.load_study(study_name=name, storage=storage)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "COMPLETE", "COMPLETE", "FAIL", "RUNNING"]
    assert [direction.name for direction in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert study.metric_names == ["cost_usd", "yield"]
    assert study.trials[0].params == asked[0].point
    assert study.trials[0].distributions["dose"] == optuna.distributions.FloatDistribution(1e-3, 1e3, log=True)
    assert list(study.trials[0].constraints.values()) == [0.5, 0.0]
    assert study.user_attrs["dawndusk"]["rules"] == ["mass", "capex_usd <= 5e9"]
    assert [trial.number for trial in study.best_trials] == [1]  # 0 is cheaper and breaks a rule
    assert study.trials[3].user_attrs["failure"] == "exit status"
    assert study.trials[1].user_attrs["outcomes"]["mass_kg"] == 1e22
    close(storage)


def test_the_dashboard_opens_it(tmp_path: Path) -> None:
    dashboard = pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    address = read_address("journal", tmp_path)
    with opened(address, "one") as store:
        asked = store.ask([point(0.0), point(1.0)], batch=1)
        store.tell([answered(asked[0], good(2.0, mass=0.5))])
    app = dashboard.wsgi(plain(address))
    request: dict[str, Any] = {"PATH_INFO": "/api/studies/0", "QUERY_STRING": "after=0"}
    setup_testing_defaults(request)
    states: list[str] = []
    body = b"".join(app(request, lambda state, *_: states.append(state)))
    detail = json.loads(body)
    assert states == ["200 OK"]
    assert detail["name"] == "one"
    complete, running = detail["trials"]
    assert (complete["state"], running["state"]) == ("Complete", "Running")
    assert complete["values"] == [2.0, 2.0]
    assert complete["constraints"] == [0.5, 0.0]
    assert {param["name"] for param in complete["params"]} == set(SPACE.names)


def test_trials_of_other_programs_do_no_harm(address: Address, name: str) -> None:
    with opened(address, name) as store:
        store.tell([answered(store.ask([point()], batch=0)[0], good())])
    storage = plain(address)
    study = optuna.load_study(study_name=name, storage=storage)
    study.enqueue_trial(point(9.0))
    other = study.ask(dict(distributions_of(SPACE)))
    study.tell(other, [1.0, 2.0])
    study.ask()
    close(storage)
    records = read_trials(address, name, QUESTION, PARTS)
    assert [record.trial.number for record in records] == [0, 1]
    assert records[1].trial.point["height_km"] == 609.0
    found = records[1].trial.answer
    assert found is not None
    assert found.failure is not None
    assert "without mass" in found.failure.words
    with opened(address, name) as store:
        assert store.ask([point(4.0)], batch=1)[0].number == 3


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"study": "99ff", "evaluator": "built-in"}, "found trials with study 12ab; allowed: study 99ff"),
        ({"study": "12ab", "evaluator": "./sim"}, "found trials with evaluator built-in; allowed: evaluator ./sim"),
    ],
)
def test_the_trials_of_another_question_are_refused(
    address: Address, name: str, parts: dict[str, str], message: str
) -> None:
    with opened(address, name):
        pass
    with pytest.raises(StoreError, match=message), opened(address, name, parts):
        pass
    with pytest.raises(StoreError, match=message):
        read_trials(address, name, QUESTION, parts)


def test_a_newer_format_is_refused(address: Address, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(stores, "FORMAT", 2)
        newer.setattr("dawndusk.__version__", "9.9")
        with opened(address, name):
            pass
    message = r"written by dawndusk 9\.9 in format 2; allowed format 1"
    with pytest.raises(StoreError, match=message), opened(address, name):
        pass
    with pytest.raises(StoreError, match=message):
        read_trials(address, name, QUESTION, PARTS)
    if address.kind != "postgresql":
        with pytest.raises(StoreError, match=message):
            check_version(address, name)


def test_what_looks_at_a_run_objects_to_nothing_but_a_newer_version(address: Address, name: str) -> None:
    check_version(address, name)
    with opened(address, name):
        pass
    check_version(address, name)
    check_version(address, "another")
    if address.kind != "postgresql":
        address.path.write_bytes(b"something else")
        check_version(address, name)


def test_optuna_reads_distributions_in_its_own_way_again(tmp_path: Path) -> None:
    before = vars(replaying)[stores.READ_DISTRIBUTION]
    with opened(read_address("journal", tmp_path), "own"):
        assert vars(replaying)[stores.READ_DISTRIBUTION] is before


def test_a_study_of_optuna_is_refused(address: Address, name: str) -> None:
    storage = plain(address)
    optuna.create_study(study_name=name, storage=storage).add_trial(optuna.trial.create_trial(value=1.0))
    close(storage)
    with pytest.raises(StoreError, match=r"found a study .* of another program"), opened(address, name):
        pass


def test_nothing_is_begun_by_looking(address: Address, name: str) -> None:
    with pytest.raises(StoreError, match="found no s"):
        read_trials(address, name, QUESTION, PARTS)
    assert address.kind == "postgresql" or not address.path.exists()


def _ask_and_tell(address: Address, name: str, first: int, count: int) -> None:
    with open_store(address, name, QUESTION, PARTS) as store:
        for index in range(count):
            (trial,) = store.ask([point(float(first + index))], batch=first + index)
            store.tell([answered(trial, good(float(first + index)))])


def test_two_writers_lose_nothing(address: Address, name: str) -> None:
    with opened(address, name):
        pass
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_ask_and_tell, args=(address, name, 100 * n, 5)) for n in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    records = read_trials(address, name, QUESTION, PARTS)
    assert [record.trial.number for record in records] == list(range(10))
    for record in records:
        assert record.trial.answer == good(float(record.batch))
        assert record.trial.point == point(float(record.batch))


def test_a_journal_holds_one_search(tmp_path: Path) -> None:
    address = read_address("journal", tmp_path)
    with opened(address, "one"):
        pass
    with pytest.raises(StoreError, match="found the trials of one; allowed: those of two"), opened(address, "two"):
        pass


def test_a_database_holds_many(tmp_path: Path) -> None:
    address = read_address("sqlite:///trials.db", tmp_path)
    with opened(address, "one") as one, opened(address, "two", {"study": "other"}) as two:
        one.ask([point()], batch=0)
        assert two.read() == []


@pytest.mark.parametrize("content", [b"not a journal\nat all\n", b"SQLite format 3\0" + bytes(200)])
@pytest.mark.parametrize("storage", ["journal:///file", "sqlite:///file"])
def test_a_file_of_something_else_is_refused_and_kept(tmp_path: Path, storage: str, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(StoreError, match=r"file(:1)?: "), opened(read_address(storage, tmp_path), "one"):
        pass
    assert (tmp_path / "file").read_bytes() == content


def test_a_journal_of_a_newer_optuna_is_refused(tmp_path: Path) -> None:
    address = read_address("journal", tmp_path)
    with opened(address, "one") as store:
        store.ask([point()], batch=0)
    Journal(address.path).append_logs([{"op_code": 77, "worker_id": "w"}])
    message = "found a store that can not be read .* allowed: one written by this version"
    with pytest.raises(StoreError, match=message), opened(address, "one"):
        pass
    with pytest.raises(StoreError, match=message):
        read_trials(address, "one", QUESTION, PARTS)


def test_a_database_of_a_newer_optuna_is_refused(tmp_path: Path) -> None:
    address = read_address("sqlite:///trials.db", tmp_path)
    with opened(address, "one"):
        pass
    connection = sqlite3.connect(address.path)
    connection.execute("update alembic_version set version_num = 'v99.0.0.a'")
    connection.execute("update version_info set schema_version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=r"trials\.db: found a store that can not be read"), opened(address, "one"):
        pass


FILLER = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_store import _ask_and_tell
from dawndusk.studies.run.store.address import read_address
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
_ask_and_tell(read_address(sys.argv[2], Path(sys.argv[3])), "one", 0, 60)
"""


@pytest.mark.parametrize(
    ("storage", "most_bytes", "words"),
    [
        ("journal", 20_000, "can not be written: File too large; nothing that was kept is lost"),
        ("sqlite:///trials.db", 300_000, "the store does not answer: d"),
    ],
)
def test_a_file_that_may_not_grow_is_an_error_and_nothing_is_lost(
    tmp_path: Path, storage: str, most_bytes: int, words: str
) -> None:
    address = read_address(storage, tmp_path)
    command = [sys.executable, "-c", FILLER, str(Path(__file__).parent), storage, str(tmp_path), str(most_bytes)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert words in ended.stderr.splitlines()[-1]
    records = read_trials(address, "one", QUESTION, PARTS)
    assert 2 < len(records) < 60
    assert all(record.trial.answer == good(float(record.batch)) for record in records[:-1])
    _ask_and_tell(address, "one", 70, 1)
    assert read_trials(address, "one", QUESTION, PARTS)[: len(records)] == records
