"""Whole satellites on whole launches.

A design has k whole places on a launch; a satellite takes one of them, so launches may be shared by designs as long
as the shares add up to one. Each launch flies to one orbit.
"""

from __future__ import annotations

from collections.abc import Mapping

ROUNDING = 1e-9


def loads(satellites: Mapping[int, int], places: Mapping[int, int], launches: int) -> list[dict[int, int]]:
    """Return what each launch carries: whole launches of one design first, then first fit, largest share first.

    Parameters
    ----------
    satellites : mapping of int to int
        Satellites by design.
    places : mapping of int to int
        Whole places on a launch, by design.
    launches : int
        Launches at hand; satellites that do not fit are left out.
    """
    left = {design: count for design, count in satellites.items() if count > 0}
    manifest: list[dict[int, int]] = []
    for design in sorted(left, key=lambda d: (places[d], d)):
        while left[design] >= places[design] and len(manifest) < launches:
            manifest.append({design: places[design]})
            left[design] -= places[design]
    shared: list[dict[int, int]] = [{} for _ in range(launches - len(manifest))]
    room = [1.0] * len(shared)
    for design in sorted(left, key=lambda d: (places[d], d)):
        for number, launch in enumerate(shared):
            fits = min(int((room[number] + ROUNDING) * places[design]), left[design])
            if fits > 0:
                launch[design] = fits
                room[number] -= fits / places[design]
                left[design] -= fits
    return [*manifest, *shared]


def carried(manifest: list[dict[int, int]]) -> dict[int, int]:
    """Return the satellites of each design on a list of launches."""
    total: dict[int, int] = {}
    for launch in manifest:
        for design, count in launch.items():
            total[design] = total.get(design, 0) + count
    return total
