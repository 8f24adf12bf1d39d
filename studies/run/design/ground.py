"""The ground alternative of a study by itself: every accelerator that the study allows, side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from dawndusk.models.constants import HOURS_PER_YEAR, TFLOPS_PER_PFLOPS, WATTS_PER_KW, WATTS_PER_MW
from dawndusk.models.errors import DawnduskError
from dawndusk.models.programme.ground import GroundCosts, ground_costs
from dawndusk.studies.input.study import Choice, ResolvedStudy

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("accelerators", "shell", "network", "energy", "maintenance", "staffing", "replacements")


@dataclass(frozen=True, kw_only=True)
class GroundOption:
    """The ground alternative with one accelerator, sized to the demand. Amounts in USD of the whole facility."""

    accelerator: str
    accelerators: int
    it_power_mw: float
    lcoc_usd_per_pflop_hour: float
    cost_usd_per_accelerator_hour: float
    cost_usd_per_kw_year: float
    capex_usd: float
    capex_usd_per_w: float
    delivered_pflops: float
    availability: float
    delay_years: float
    parts_usd: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, kw_only=True)
class GroundResult:
    """The ground alternative of a study, cheapest accelerator first."""

    study: ResolvedStudy
    options: tuple[GroundOption, ...]

    @property
    def best(self) -> GroundOption:
        """Return the cheapest option."""
        return self.options[0]

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each accelerator."""
        import pandas as pd  # noqa: PLC0415 (heavy, and not needed to print)

        rows = [{**option.to_dict(), **{f"{k}_usd": v for k, v in option.parts_usd.items()}} for option in self.options]
        return pd.DataFrame(rows).drop(columns="parts_usd")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"study": self.study.name, "kind": "ground", "options": [option.to_dict() for option in self.options]}


def ground_options(study: ResolvedStudy) -> GroundResult:
    """Return the ground alternative of a study for every accelerator that it allows."""
    entry = study.space["accelerator"]
    names = entry.names if isinstance(entry, Choice) else (str(entry.nominal),)
    options = [_option(study, name) for name in names]
    return GroundResult(study=study, options=tuple(sorted(options, key=lambda o: o.lcoc_usd_per_pflop_hour)))


def _option(study: ResolvedStudy, name: str) -> GroundOption:
    a = study.assumptions
    accelerator, workload = a.accelerators[name], a.workloads[a.workload]
    if not a.demand.it_power_mw:
        raise DawnduskError(f"{study.source}: demand.it_power_mw: missing; a ground study needs its IT power in MW")
    count = math.ceil(a.demand.it_power_mw * WATTS_PER_MW / accelerator.it_power_w)
    costs: GroundCosts = ground_costs(
        ground=a.ground,
        thermal=a.thermal,
        scenario=a.scenario,
        reliability=a.reliability,
        workload=workload,
        accelerator=accelerator,
        fleet_accelerators=float(count),
    )
    lcoc = float(costs.lcoc_usd_per_pflop_hour)
    pflops = accelerator.bf16_dense_tflops * workload.sustained_fraction / TFLOPS_PER_PFLOPS
    per_hour = lcoc * pflops
    return GroundOption(
        accelerator=name,
        accelerators=count,
        it_power_mw=count * accelerator.it_power_w / WATTS_PER_MW,
        lcoc_usd_per_pflop_hour=lcoc,
        cost_usd_per_accelerator_hour=per_hour,
        cost_usd_per_kw_year=per_hour * HOURS_PER_YEAR * WATTS_PER_KW / accelerator.it_power_w,
        capex_usd=count * float(costs.capex),
        capex_usd_per_w=float(costs.capex) / accelerator.it_power_w,
        delivered_pflops=count * pflops * float(costs.availability),
        availability=float(costs.availability),
        delay_years=float(costs.delay_years),
        parts_usd={part: count * float(getattr(costs, part)) for part in PARTS},
    )
