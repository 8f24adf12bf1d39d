"""Bound and gap of the second bound over time: one combination of the default study, and all of them.

Run with ``python benchmarks/second_bound.py [seconds]``. Goals on two idle cores: 1 % in 15 s, 0.2 % in 45 s; the
processor time of all processes is printed at the end, for machines that are busy.
"""

from __future__ import annotations

import resource
import sys

from dawndusk.optimize.certify.lp.second_bound import MilpProgress, second_bound
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of

STUDY = "orbit-200mw"
BEST_KNOWN = 13.8882642
ONE = (
    "design.accelerator=[tpu_v7]",
    "design.orbit=[dawn_dusk_sso]",
    "design.radiator=[deployable_two_phase]",
    "design.array=[silicon_flexible]",
    "design.vehicle=[starship_v3]",
)
EVERY_S = 5.0


def processor_s() -> float:
    """Return the processor time of this process and of those that it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(label: str, overrides: tuple[str, ...], gap: float, seconds: float) -> None:
    """Print the course of one bound and what it stalled at."""
    shown, begin = -EVERY_S, processor_s()

    def report(progress: MilpProgress) -> None:
        nonlocal shown
        if progress.seconds >= shown + EVERY_S:
            shown = progress.seconds
            gap = 1.0 - progress.bound / BEST_KNOWN
            print(f"{label:16s} {progress.seconds:6.1f} s   bound {progress.bound:8.4f}   gap {gap:7.2%}", flush=True)

    problem = problem_of(read_study(STUDY, list(overrides)))
    found = second_bound(problem, gap=gap, time_limit_s=seconds, cutoff=BEST_KNOWN, report=report)
    print(
        f"{label:16s} {found.seconds:6.1f} s   CPU {processor_s() - begin:.1f} s   "
        f"{found.status}: bound {found.bound}, gap {found.gap}, "
        f"{found.rounds} rounds, {found.open_combinations} combinations open, "
        f"{found.columns} columns, {found.rows} rows, {found.pieces} parts open"
    )
    print(f"{label:16s} furthest from the physics: {found.stalled_at or 'nothing'}")


if __name__ == "__main__":
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else 45.0
    run("one combination", ONE, 0.002, limit)
    run("all, to 1 %", (), 0.01, limit)
    run("all, to 0.2 %", (), 0.002, limit)
