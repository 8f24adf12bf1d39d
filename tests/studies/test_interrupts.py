from __future__ import annotations

import signal
import threading

import pytest

from dawndusk.optimize.evolution import Progress
from dawndusk.studies.runs.interrupts import held_back

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
