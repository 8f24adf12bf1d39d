"""In words: what a run found, what it proved, and how it ended."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import USD, precise
from dawndusk.optimize.engines import is_unsettled
from dawndusk.optimize.result import COMPLETION
from dawndusk.optimize.settings import Engine
from dawndusk.studies.run.design.results import RunResult

LEAST_DIGITS, MOST_DIGITS = 5, 10
SMALLEST_GAP = 1e-9
TWO_DIGITS = 2
ENDINGS = {
    COMPLETION: "ended by completion",
    "time limit": "ended by its time limit",
    "design budget": "ended by its design budget",
    "interrupt": "interrupted",
    "memory": "ended because the open boxes fill the memory",
    "boxes too small to cut": "ended at boxes that are too small to cut",
}


def ending(result: RunResult) -> str:
    """Return what ended the search."""
    return ENDINGS.get(result.stopped_by, f"ended by {result.stopped_by}")


def figure(result: RunResult) -> str:
    """Return the objective with as many digits as its gap calls for."""
    if result.objective is None:
        return "none"
    return _amount(result.objective, result, "")


def claim(result: RunResult) -> str:
    """Return what is proved, as one sentence without its full stop."""
    if not result.study.search.engine.proves:
        return "no bound is proved"
    if result.status == "infeasible":
        return "no design meets every rule and bound"
    if result.bound is None:
        return "nothing is proved yet"
    low = result.study.sense == "minimise"
    bound = _amount(result.bound, result, "down" if low else "up", with_units=result.objective is None)
    if low and OUTCOMES[result.study.objective].units.startswith(USD):
        return f"no design costs less than {bound}"
    return f"no design has {'less' if low else 'more'} than {bound}"


def stall(result: RunResult) -> str:
    """Return where the mixed-integer model by itself stalled, and what its solver said; empty where it did not."""
    second = result.result.second
    if result.engine != Engine.MILP or result.status not in {"feasible", "unknown"} or second is None:
        return ""
    said = f" HiGHS said last: {second.solver_words}." if is_unsettled(second) else ""
    where = f"The bound stalls at {second.stalled_at}." if second.stalled_at else ""
    return f"{where}{said}".strip()


def percent(gap: float) -> str:
    """Return a gap in percent, rounded up to two digits."""
    if gap < SMALLEST_GAP:
        return "0 %"
    share = 100 * _without_noise(gap)
    rounded = share.quantize(Decimal(1).scaleb(share.adjusted() - 1), ROUND_CEILING)
    return f"{rounded:,f} %" if rounded.adjusted() < TWO_DIGITS else f"{int(rounded):,} %"


def _without_noise(gap: float) -> Decimal:
    """Return a gap with six digits, so that one closed to the last bit of what was asked for reads like that."""
    return Decimal(f"{gap:.6g}")


def _digits(result: RunResult) -> int:
    if not result.gap:
        return LEAST_DIGITS
    return min(max(2 - _without_noise(result.gap).adjusted(), LEAST_DIGITS), MOST_DIGITS)


def _amount(value: float, result: RunResult, toward: str, *, with_units: bool = True) -> str:
    """Return an amount of the objective; a bound is rounded away from the designs, so that the words stay true."""
    units = OUTCOMES[result.study.objective].units
    like = value if result.objective is None else result.objective
    return precise(value, units, _digits(result), toward, like=like, with_units=with_units)
