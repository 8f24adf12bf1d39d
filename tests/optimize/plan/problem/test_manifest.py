"""Whole satellites on whole launches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dawndusk.optimize.plan.problem.manifest import carried, loads

satellites = st.dictionaries(st.integers(0, 5), st.integers(0, 40), max_size=5)


@given(satellites, st.lists(st.integers(1, 12), min_size=6, max_size=6), st.integers(0, 30))
def test_no_launch_is_overfull_and_nothing_is_invented(aboard: dict[int, int], each: list[int], launches: int) -> None:
    places = dict(enumerate(each))
    manifest = loads(aboard, places, launches)
    assert len(manifest) == launches
    for launch in manifest:
        assert sum(count / places[design] for design, count in launch.items()) <= 1.0 + 1e-6
    total = carried(manifest)
    assert all(count <= aboard[design] for design, count in total.items())


@given(st.integers(1, 12), st.integers(0, 20), st.integers(0, 11))
def test_one_design_fills_as_many_launches_as_it_needs(places: int, whole: int, rest: int) -> None:
    count = whole * places + min(rest, places - 1)
    manifest = loads({0: count}, {0: places}, -(-count // places))
    assert carried(manifest).get(0, 0) == count


def test_designs_share_the_last_launch() -> None:
    manifest = loads({0: 3, 1: 5}, {0: 2, 1: 10}, 2)
    assert manifest == [{0: 2}, {0: 1, 1: 5}]
