from __future__ import annotations

import signal
import threading

import pytest

from dawndusk.optimize.progress import Progress, Recorder, held_back

STEP = Progress("proving", 0.5, 10, 1.0)


def test_an_interrupt_waits_for_the_next_report() -> None:
    seen: list[Progress] = []
    done = False
    with pytest.raises(KeyboardInterrupt), held_back(seen.append) as interrupts:
        interrupts.report(STEP)
        signal.raise_signal(signal.SIGINT)
        done = True
        assert interrupts.noted
        interrupts.report(STEP)
    assert done
    assert seen == [STEP]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_with_a_way_of_its_own_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: own.append(number))
    try:
        with held_back(lambda _: None) as interrupts:
            signal.raise_signal(signal.SIGINT)
            assert not interrupts.noted
    finally:
        signal.signal(signal.SIGINT, before)
    assert own == [signal.SIGINT]


def test_another_thread_can_search_too() -> None:
    reports: list[Progress] = []

    def work() -> None:
        with held_back(reports.append) as interrupts:
            interrupts.report(STEP)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reports == [STEP]


def test_the_history_has_every_new_incumbent_and_the_gap_as_it_closes() -> None:
    seen: list[Progress] = []
    recorder = Recorder(seen.append)
    nan = float("nan")
    steps = [(nan, nan), (20.0, nan), (20.0, nan), (16.0, nan), (16.0, 8.0), (16.0, 8.1), (16.0, 12.0), (15.0, 12.0)]
    for number, (best, bound) in enumerate(steps):
        recorder.report(Progress("proving", 0.5, number, best, bound=bound))
    history = recorder.history(9, 15.0, 14.9)
    assert len(seen) == len(steps), "every report is passed on"
    kept = [(milestone.evaluated, milestone.objective, milestone.bound) for milestone in history]
    assert kept == [
        (1, 20.0, None),
        (3, 16.0, None),
        (4, 16.0, 8.0),
        (6, 16.0, 12.0),
        (7, 15.0, 12.0),
        (9, 15.0, 14.9),
    ]
    assert [one.seconds for one in history] == sorted(one.seconds for one in history)


def test_the_history_of_a_resumed_search_begins_where_the_first_part_ended() -> None:
    recorder = Recorder(lambda _: None, before_s=100.0)
    recorder.report(STEP)
    assert all(milestone.seconds >= 100.0 for milestone in recorder.history(10, 1.0, None))
