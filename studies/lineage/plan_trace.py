"""Every figure of a plan as a tree of terms: accounts, what is bought when, what each costs, down to data rows.

What an account has of one satellite, launch or unit of ground capacity is the account of a plan that buys nothing else.
Where these add up to the account, they are its terms. What is left, of learning, volume discounts and capacity that all
share, is a term of its own; an account that is mostly that is told period by period. The data rows behind an account
are found by changing one at a time by a millionth with everything bought as it is, so that none can be missing.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dawndusk.models.errors import nearest, one_of
from dawndusk.models.fleet.accounts import CAPITAL
from dawndusk.studies.lineage.figures import (
    CHOICE,
    OUTCOME,
    TERM,
    Figure,
    FigureTrees,
    Lineage,
    UnknownFigureError,
    lineage_of,
    row_figure,
)
from dawndusk.studies.lineage.plan_purchases import (
    ACCOUNTS,
    GROUND_CAPITAL,
    WORTH,
    Bought,
    Sums,
    bought,
    is_of,
    one_of_it,
    rows_of_accounts,
    sums_of,
)
from dawndusk.studies.lineage.plan_run import PlanRun

DEMAND = "plan.demand"
MOST_SHARED = 0.5
"""An account of which more than this share is common to all that is bought is told period by period."""
LEAST_REST = 1e-9
"""Relative: less is rounding."""
SENTENCES = {
    "compute": "Accelerators, and the network on board.",
    "hardware": "Satellites without their accelerators, at the final price of a line that has learnt.",
    "learning": "What hardware costs above its final price while its line still learns.",
    "launch": "Launches at the listed price of their year, less what other missions pay.",
    "insurance": "Insurance of what flies beyond the expected loss.",
    "factory": "The factory, for the fastest year.",
    "launch_sites": "Launch sites and payload processing, for the busiest year.",
    "gateways": "Ground stations, for the largest traffic.",
    "development": "Development, licences and the ground segment, once; and development of each design.",
    "operations": "Operation of the satellites while they serve.",
    "mission_control": "Mission control from the first launch to the last retirement.",
    "orbital_use": "Fees for the use of orbits.",
    "disposal": "Disposal of satellites that retire.",
    "ground_rent": "Rent of capacity on the ground.",
}
BEHIND = {
    "compute": ("it_power_w",),
    "hardware": ("wet_mass_kg", "array_cost_usd", "radiator_cost_usd"),
    "launch": ("satellites_per_launch", "wet_mass_kg"),
    WORTH: ("availability", "network_fraction", "sustained_fraction"),
}
"""Outcomes of a design that its part of an account follows from."""


class PlanLineage(FigureTrees):
    """The figures of a plan, each by its name; those of its designs by ``DESIGN: OUTCOME``."""

    def __init__(self, run: PlanRun) -> None:
        self.run = run
        self.economy = run.question.problem.economy
        self.items = bought(self.economy, run.decisions)
        self._figures: dict[str, Figure] = {}
        self._lineages: dict[str, Lineage] = {}
        for figure in (*self._totals(), *self._of_accounts(), *self._of_purchases()):
            self._figures.setdefault(figure.name, figure)

    def __getitem__(self, name: str) -> Figure:
        """Return a figure: one of the plan, of one of its designs, or a data row."""
        if name in ACCOUNTS:
            name = f"account.{name}"
        if name not in self._figures:
            self._figures[name] = self._elsewhere(name)
        return self._figures[name]

    @property
    def branches(self) -> tuple[str, ...]:
        """Return the beliefs that decide which terms there are: none, for a plan has them all."""
        return ()

    @property
    def names(self) -> list[str]:
        """Return the names of the figures of the plan, the most telling first."""
        return [name for name, figure in self._figures.items() if figure.kind == OUTCOME]

    def to_dict(self, *names: str) -> dict[str, dict[str, object]]:
        """Return figures and everything below them by name."""
        return {figure.name: figure.to_dict() for name in names for figure in self.walk(name)}

    @functools.cached_property
    def rows(self) -> dict[str, tuple[str, ...]]:
        """Return the data rows that move each account and the worth delivered, the strongest first."""
        return rows_of_accounts(self.economy, self.run.decisions)

    @functools.cached_property
    def each(self) -> dict[Bought, Sums]:
        """Return what every account has of one of each purchase."""
        return {item: sums_of(self.economy, one_of_it(self.economy, item)) for item in self.items}

    def _elsewhere(self, name: str) -> Figure:
        design = next((one for one in self.economy.figures.names if name.startswith(f"{one}: ")), None)
        if design is not None:
            figure = self._lineage(design)[name.removeprefix(f"{design}: ")]
            reads = tuple(read if self._is_row(read) else f"{design}: {read}" for read in figure.reads)
            return dataclasses.replace(figure, name=name, kind=_inner(figure.kind), reads=reads)
        if self._is_row(name):
            return row_figure(self.economy.assumptions, name)
        raise UnknownFigureError(
            f"figure {name!r}: no such figure of this plan; allowed: {one_of(self.names)}, DESIGN: OUTCOME or the key "
            f"of an assumption{nearest(name, self.names)}"
        )

    def _is_row(self, name: str) -> bool:
        return name in self.economy.assumptions.provenance

    def _lineage(self, design: str) -> Lineage:
        """Return the term trees of a design, on the first vehicle that it is built for."""
        if design not in self._lineages:
            figures = self.economy.figures
            chosen = figures.designs[figures.names.index(design)]
            flown = [i.where for i in self.items if i.kind == "built" and i.what == design]
            vehicle = next(iter((*flown, *figures.vehicles)))
            self._lineages[design] = lineage_of(chosen.replace(vehicle=vehicle), self.economy.assumptions)
        return self._lineages[design]

    def _totals(self) -> Iterator[Figure]:
        """Yield the figures of the whole plan."""
        scored, accounts = self.run.scored, self.run.scored.accounts
        worth = float(scored.used_worth.sum())
        cost = tuple(f"account.{name}" for name in ACCOUNTS if accounts.discounted[name].any())
        yield _outcome(
            "lcoc_usd_per_pflop_hour",
            scored.lcoc_usd_per_pflop_hour,
            "USD/PFLOP-hour",
            "Discounted cost over the discounted compute that is used.",
            "discounted cost usd / used worth pflop hours",
            ("discounted_cost_usd", "used_worth_pflop_hours"),
        )
        yield _outcome(
            "discounted_cost_usd",
            accounts.cost_usd,
            "USD",
            "Everything that the plan buys, discounted to its start.",
            " + ".join(name.removeprefix("account.").replace("_", " ") for name in cost),
            cost,
        )
        yield _outcome(
            "used_worth_pflop_hours",
            worth,
            "PFLOP-hours",
            "Compute that is asked for or sold, discounted and aged to the start of the plan.",
            "delivered worth − what nobody asks for",
            (f"account.{WORTH}", DEMAND),
        )
        spent = tuple(f"spent.{name}" for name in CAPITAL if accounts.plain[name].any())
        yield _outcome(
            "capital_usd",
            accounts.capital_usd,
            "USD",
            "All capital, not discounted; that of the ground included.",
            "",
            (*spent, *(("ground_capital_usd",) if accounts.ground_capital_usd.any() else ())),
        )
        yield from self._money(float(scored.revenue_usd.sum()))
        yield from self._counts()

    def _money(self, revenue: float) -> Iterator[Figure]:
        accounts = self.run.scored.accounts
        yield _outcome(
            "value_usd",
            revenue - accounts.cost_usd,
            "USD",
            "Discounted revenue less discounted cost.",
            "revenue usd − discounted cost usd",
            ("revenue_usd", "discounted_cost_usd"),
        )
        yield _outcome(
            "revenue_usd",
            revenue,
            "USD",
            "Compute sold at the prices of the plan, discounted.",
            "",
            (f"account.{WORTH}", DEMAND, "scenario.discount_rate"),
        )
        ground = self.rows[GROUND_CAPITAL]
        yield _outcome(
            "ground_capital_usd",
            float(accounts.ground_capital_usd.sum()),
            "USD",
            "Capital of the capacity on the ground, which its owner spends.",
            "",
            (*(self._of(item) for item in self.items if item.kind == "ground"), *ground),
        )

    def _counts(self) -> Iterator[Figure]:
        fleet, kinds = self.run.scored.fleet, {"satellites_built": "built", "launches": "launches"}
        for name, kind in kinds.items():
            chosen = [item for item in self.items if item.kind == kind]
            count = sum(item.count for item in chosen)
            said = "Satellites built and launched." if kind == "built" else "Launches bought."
            yield _outcome(name, count, "count", said, "sum over periods", tuple(self._of(item) for item in chosen))
        for name, power, kind in (
            ("largest_it_power_mw", fleet.power_mw, "built"),
            ("largest_ground_power_mw", fleet.ground_power_mw, "ground"),
        ):
            at = int(np.argmax(power)) if len(power) else 0
            largest = float(power[at]) if len(power) else 0.0
            period = self.economy.calendar.label(at)
            before = [i for i in self.items if i.period <= at and i.kind in {kind, "ground"}]
            yield _outcome(
                name,
                largest,
                "MW",
                f"Mean IT power in service in {period}, when it is largest.",
                "what serves of all that was bought until then",
                tuple(dict.fromkeys([*(self._of(i) for i in before), *self._power_rows(before)])),
            )

    def _power_rows(self, items: Sequence[Bought]) -> Iterator[str]:
        designs = dict(zip(self.economy.figures.names, self.economy.figures.designs, strict=True))
        for item in items:
            chip = item.what if item.kind == "ground" else designs[item.what].accelerator
            yield f"accelerators.{chip}.it_power_w"

    def _of(self, item: Bought) -> str:
        return f"plan.{item.kind}.{item.words}, {self.economy.calendar.label(item.period)}"

    def _of_purchases(self) -> Iterator[Figure]:
        """Yield what the plan decides, and what it was told."""
        nouns = {"built": "satellites", "launches": "launches", "ground": "thousand accelerators"}
        for item in self.items:
            said = f"Chosen by the plan: {nouns[item.kind]} of {item.words} in "
            period = self.economy.calendar.label(item.period)
            yield Figure(
                name=self._of(item),
                kind=CHOICE,
                label=f"{item.words}, {period}",
                value=item.count,
                units=nouns[item.kind],
                meaning=f"{said}{period}.",
            )
        said = "Stated by the study in plan.demand: what is asked for, and who buys at what price."
        yield Figure(name=DEMAND, kind=CHOICE, label=DEMAND, value=None, units="", meaning=said)

    def _of_accounts(self) -> Iterator[Figure]:
        accounts = self.run.scored.accounts
        totals = {name: float(accounts.discounted[name].sum()) for name in ACCOUNTS}
        totals[WORTH] = float(self.run.scored.fleet.worth_pflop_hours.sum())
        for name, total in totals.items():
            yield from self._account(name, total)
        for name in CAPITAL:
            yield _outcome(
                f"spent.{name}",
                float(accounts.plain[name].sum()),
                "USD",
                f"{SENTENCES[name]} Not discounted.",
                f"account {name} without its discount",
                (f"account.{name}",),
            )

    def _account(self, name: str, total: float) -> Iterator[Figure]:
        """Yield an account with its terms: satellite by satellite, or period by period."""
        units = "PFLOP-hours" if name == WORTH else "USD"
        said = "Compute delivered, discounted and aged to the start of the plan." if name == WORTH else SENTENCES[name]
        terms = {item: item.count * sums[name] for item, sums in self.each.items() if sums[name]}
        rest = total - sum(terms.values())
        if abs(rest) > MOST_SHARED * abs(total):
            yield _outcome(f"account.{name}", total, units, said, "sum over periods", tuple(self._by_period(name)))
            yield from self._by_period(name).values()
            return
        pairs = list(dict.fromkeys(item.words for item in terms))
        shared = abs(rest) > LEAST_REST * abs(total)
        reads = [f"account.{name}.{words}" for words in pairs] + ([f"account.{name}.together"] if shared else [])
        formula = "sum over what is bought" + (" + what all of it has together" if shared else "")
        yield _outcome(f"account.{name}", total, units, said, formula if total else "", tuple(reads))
        if shared:
            yield _term(
                f"account.{name}.together",
                "what all of it has together",
                rest,
                units,
                "Learning, discounts for many, and capacity that all share: what the whole has beyond its parts.",
                f"account {name} − sum over what is bought",
                self.rows[name],
            )
        for words in pairs:
            yield from self._pair(name, words, units, {i: v for i, v in terms.items() if i.words == words})

    def _by_period(self, name: str) -> dict[str, Figure]:
        amounts = self.run.scored.accounts.discounted[name]
        return {
            f"account.{name}.{label}": _term(
                f"account.{name}.{label}",
                label,
                float(amounts[q]),
                "USD",
                "Booked in this period, discounted.",
                "",
                (*(self._of(item) for item in self.items if item.period == q), *self.rows[name]),
            )
            for q, label in enumerate(self.economy.calendar.labels)
            if amounts[q]
        }

    def _pair(self, name: str, words: str, units: str, terms: Mapping[Bought, float]) -> Iterator[Figure]:
        """Yield the part of a design and a vehicle, by period, with what each costs."""
        labels = {item: self.economy.calendar.label(item.period) for item in terms}
        yield _term(
            f"account.{name}.{words}",
            words,
            sum(terms.values()),
            units,
            "",
            "sum over periods",
            tuple(f"account.{name}.{words}, {label}" for label in labels.values()),
        )
        for item, value in terms.items():
            place, each = f"account.{name}.{words}, {labels[item]}", f"each.{name}.{words}, {labels[item]}"
            yield _term(
                place, f"{words}, {labels[item]}", value, units, "", "number bought × each", (self._of(item), each)
            )
            yield _term(
                each,
                f"each, {labels[item]}",
                self.each[item][name],
                units,
                f"What one more has of this account over its whole life, bought in {labels[item]}, discounted.",
                "",
                tuple(self._behind(name, item)),
            )

    def _behind(self, name: str, item: Bought) -> Iterator[str]:
        """Yield the figures of the design, then the other data rows that move this part of an account."""
        figures = [f"{item.what}: {one}" for one in BEHIND.get(name, ())] if item.kind == "built" else []
        yield from figures
        yield from (key for key in self.rows[name] if is_of(self.economy, item, key))


def _inner(kind: str) -> str:
    return TERM if kind == OUTCOME else kind


def _outcome(name: str, value: float, units: str, meaning: str, formula: str, reads: tuple[str, ...]) -> Figure:
    label = name.removeprefix("account.").removeprefix("spent.")
    return Figure(
        name=name, kind=OUTCOME, label=label, value=value, units=units, meaning=meaning, formula=formula, reads=reads
    )


def _term(
    name: str, label: str, value: float, units: str, meaning: str, formula: str, reads: tuple[str, ...]
) -> Figure:
    return Figure(
        name=name, kind=TERM, label=label, value=value, units=units, meaning=meaning, formula=formula, reads=reads
    )
