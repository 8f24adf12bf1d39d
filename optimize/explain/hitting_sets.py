"""The smallest sets that have a member in each of some given sets."""

from __future__ import annotations

from collections.abc import Iterator

MOST_SETS_COMPARED = 400


def smallest_hitting_sets(sets: list[frozenset[int]], most: int = MOST_SETS_COMPARED) -> list[frozenset[int]]:
    """Return the smallest sets that have a member in each of ``sets``, at most ``most`` of them."""
    if any(not one for one in sets):
        return []
    size = 0
    while True:
        found = list(dict.fromkeys(_hitting(frozenset(), sets, size, [most])))
        if found:
            return found
        size += 1


def _hitting(
    chosen: frozenset[int], sets: list[frozenset[int]], size: int, left: list[int]
) -> Iterator[frozenset[int]]:
    """Yield the sets of at most ``size`` further members that hit what ``chosen`` does not hit yet."""
    missed = [one for one in sets if not one & chosen]
    if not missed:
        left[0] -= 1
        yield chosen
    elif size:
        for member in min(map(sorted, missed), key=lambda one: (len(one), one)):
            if left[0] <= 0:
                return
            yield from _hitting(chosen | {member}, missed, size - 1, left)
