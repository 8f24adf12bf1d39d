from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.optimize.space.dimensions import RealNumber, Space
from dawndusk.optimize.trials.question import Goal, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.store import Record, StoreError
from dawndusk.studies.run.store.address import Address
from dawndusk.studies.run.store.journal import Journal
from dawndusk.studies.run.store.reading import read_trials
from dawndusk.studies.run.store.store import open_store

QUESTION = Question(Space({"x": RealNumber(0.0, 1.0)}), (Goal("cost"),), ("mass",))


def at(path: Path) -> Address:
    return Address("journal", str(path))


def fill(path: Path, first: int, count: int) -> None:
    """Ask about some points, two at a time, and tell the answers."""
    with open_store(at(path), "s", QUESTION, {}) as store:
        for index in range(first, first + count, 2):
            asked = store.ask([{"x": index / 100.0}, {"x": (index + 1) / 100.0}], batch=index)
            store.tell([Trial(trial.number, trial.point, answer(trial.number)) for trial in asked])


def answer(number: int) -> TrialAnswer:
    return TrialAnswer({"cost": number / 7.0}, {"mass": -1.0 / (number + 1)})


def whole(path: Path) -> list[Record]:
    return read_trials(at(path), "s", QUESTION, {})


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("journal") / "trials.journal"
    fill(path, 0, 6)
    return path.read_bytes()


@settings(max_examples=40)
@given(st.data())
def test_wherever_it_is_cut_off_all_that_was_finished_is_there_and_it_goes_on(
    journal: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(journal.index(b"\n") + 1, len(journal)))
    torn = data.draw(st.sampled_from([b"", b"\0\0\0", b'{"op_code":8,"tri', b"\0\0\n", b'{"op\n']))
    path = tmp_path_factory.mktemp("cut") / "trials.journal"
    path.write_bytes(journal[:cut] + torn)
    lines = journal[:cut].split(b"\n")[:-1]
    finished = sum(line.startswith(b'{"op_code":6') for line in lines)
    if cut and journal[:cut].endswith(b"}") and journal[cut : cut + 1] == b"\n" and torn.endswith(b"\n"):
        return  # what was torn off completes the line
    before = whole(path) if b'"dawndusk"' in journal[:cut] and finished else []
    assert sum(record.trial.answer is not None for record in before) == finished
    if b'"dawndusk"' in b"\n".join(lines):
        fill(path, 50, 2)
        after = whole(path)
        assert after[: len(before)] == before
        assert [record.trial.point["x"] for record in after[-2:]] == [0.5, 0.51]
        optuna.load_study(
            study_name="s",
            storage=optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path))),
        )


def test_a_damaged_line_in_the_midst_is_named(journal: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trials.journal"
    lines = journal.split(b"\n")
    lines[4] = lines[4][:-5]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(StoreError, match=r"trials\.journal:5: found a line that is no log of a search"):
        whole(path)
    with pytest.raises(StoreError, match=r"trials\.journal:5: found a line"), open_store(at(path), "s", QUESTION, {}):
        pass


def test_what_belongs_together_is_written_together(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    with journal.together():
        journal.append_logs([{"op_code": 0}])
        journal.append_logs([{"op_code": 1}])
        assert [log["op_code"] for log in journal.read_logs(0)] == [0, 1]
        assert [log["op_code"] for log in journal.read_logs(1)] == [1]
        assert (tmp_path / "j").read_bytes() == b""
    assert [log["op_code"] for log in Journal(tmp_path / "j").read_logs(0)] == [0, 1]
    assert list(journal.read_logs(2)) == []


def test_other_writers_are_read_in_between(tmp_path: Path) -> None:
    one, two = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    one.append_logs([{"op_code": 0}])
    assert len(list(one.read_logs(0))) == 1
    two.append_logs([{"op_code": 1}])
    with one.together():
        one.append_logs([{"op_code": 2}])
        assert [log["op_code"] for log in one.read_logs(1)] == [1, 2]
    two.append_logs([{"op_code": 3}])
    assert [log["op_code"] for log in one.read_logs(3)] == [3]
    assert [log["op_code"] for log in two.read_logs(0)] == [0, 1, 2, 3]


def test_a_step_that_fails_is_not_written_and_the_journal_says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.append_logs([{"op_code": 0}])
    with pytest.raises(ValueError, match="half way"), journal.together():
        journal.append_logs([{"op_code": 1}])
        raise ValueError("half way")
    with pytest.raises(StoreError, match="last write failed"):
        list(journal.read_logs(0))
    assert len(list(Journal(tmp_path / "j").read_logs(0))) == 1


def test_a_full_disk_is_an_error_and_nothing_is_lost(
    journal: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trials.journal"
    path.write_bytes(journal)
    before = whole(path)
    write, room = os.write, [60]

    def limited(handle: int, data: Any) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(handle, data[: room[0]])
        room[0] -= written
        return written

    with monkeypatch.context() as full:
        full.setattr("dawndusk.studies.run.store.journal.os.write", limited)
        with pytest.raises(StoreError, match=r"can not be written: No space left .* nothing that was kept is lost"):
            fill(path, 50, 2)
    assert path.read_bytes() == journal
    fill(path, 50, 2)
    assert whole(path)[:-2] == before


HOLDER = """
import sys, time
from pathlib import Path
from dawndusk.studies.run.store.journal import Journal
with Journal(Path(sys.argv[1])).together():
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_writer_that_is_killed_in_its_step_keeps_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "trials.journal"
    fill(path, 0, 2)
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.send_signal(signal.SIGKILL)
    fill(path, 4, 2)
    assert len(whole(path)) == 4


def test_a_lock_that_is_not_released_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dawndusk.studies.run.store.journal.LOCK_WAIT_S", 0.05)
    one, two = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    with one.together(), pytest.raises(StoreError, match=r"found locked by another process for 0\.05 s"):
        two.append_logs([{}])
