"""The scale on which each problem's fronts are measured: the ends of a reference front, and its hypervolume.

A reference front is what a long run found, as ``origin`` says, and all that the searches of this comparison found. Ends
and hypervolume are constants, so that one run can be compared with the next.
"""

from __future__ import annotations

from typing import Any

SCALES: dict[str, dict[str, Any]] = {
    "bnh": {
        "ideal": (0.0, 4.0),
        "nadir": (136.0, 50.0),
        "volume": 1.02542,
        "origin": "pymoo's NSGA-II, twice 300,000 evaluations in generations of 1,000",
    },
    "osy": {
        "ideal": (-273.982, 4.0009),
        "nadir": (-42.7894, 76.0029),
        "volume": 0.967916,
        "origin": "pymoo's NSGA-II, twice 300,000 evaluations in generations of 1,000",
    },
    "tnk": {
        "ideal": (0.0418046, 0.0418917),
        "nadir": (1.03859, 1.03849),
        "volume": 0.518863,
        "origin": "pymoo's NSGA-II, twice 300,000 evaluations in generations of 1,000",
    },
    "truss2d": {
        "ideal": (0.00400127, 8432.74),
        "nadir": (0.0540475, 99999.4),
        "volume": 1.0738,
        "origin": "pymoo's NSGA-II, twice 300,000 evaluations in generations of 1,000",
    },
    "welded_beam": {
        "ideal": (2.3885, 0.00043904),
        "nadir": (42.1835, 0.0154479),
        "volume": 1.15187,
        "origin": "pymoo's NSGA-II, twice 300,000 evaluations in generations of 1,000",
    },
    "mw7": {
        "ideal": (0.0, 1.52986e-06),
        "nadir": (1.16055, 1.15452),
        "volume": 0.511031,
        "origin": "pymoo's NSGA-II, twice 300,000 evaluations in generations of 1,000",
    },
    "carside": {
        "ideal": (23.6047, 3.58525, 10.6113),
        "nadir": (42.7568, 4.0, 12.5204),
        "volume": 0.870383,
        "origin": "pymoo's NSGA-II, twice 300,000 evaluations in generations of 2,000",
    },
    "disc_brake": {
        "ideal": (0.127409, 1.13907),
        "nadir": (5.3067, 16.9122),
        "volume": 1.12281,
        "origin": "pymoo's NSGA-II for mixed variables, twice 150,000 evaluations in generations of 1,000",
    },
    "orbital": {
        "ideal": (13.9297, 2.0158),
        "nadir": (39.0965, 3.35569),
        "volume": 1.12717,
        "origin": "our population, 60,000 evaluations each in generations of 100, 200 and 400",
    },
}
