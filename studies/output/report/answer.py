"""The first screen of a report: what was found, what is proved, what limits it, orbit against the ground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import money, number, pretty
from dawndusk.studies.output.figures import breakdowns
from dawndusk.studies.output.report.markup import Html, tag
from dawndusk.studies.output.report.section import ReportSection, picture_html
from dawndusk.studies.output.report.subject import Subject
from dawndusk.studies.output.report.trials import how
from dawndusk.studies.output.terminal.design import NEXT_TIGHTEST, limit_line
from dawndusk.studies.run.design.limits import Limit, binding
from dawndusk.studies.run.design.wording import ENDINGS, percent

HEADLINE = ("cost_usd_per_accelerator_hour", "capex_usd", "it_power_mw", "launches", "deployment_years", "wet_mass_kg")
LABELS = {
    "cost_usd_per_accelerator_hour": "per accelerator and hour",
    "capex_usd": "capital",
    "it_power_mw": "IT power",
    "launches": "launches",
    "deployment_years": "to deploy",
    "wet_mass_kg": "one satellite at launch",
}
STATES = {
    "optimal": "optimal: the gap asked for is proved",
    "feasible": "feasible: a better design may exist",
    "infeasible": "infeasible",
    "unknown": "unknown: neither a design nor a proof that there is none",
}


def answer(subject: Subject) -> ReportSection:
    """Return the answer with its certificate, what limits it, and the ground."""
    found = Html(_headline(subject) + _certificate(subject))
    if not subject.content.has_optimum:
        return ReportSection("answer", "Answer", Html(notices(subject) + found))
    if subject.content.optimum["objective"] is None:
        return ReportSection("answer", "Answer", Html(notices(subject) + found + _limits(subject, feasible=False)))
    picture = breakdowns.ground(subject.outcome, subject.design, subject.study.assumptions)
    against = tag("div", picture_html(picture), _parity(subject))
    first = tag("div", tag("div", found), against, class_="pair")
    body = Html(notices(subject) + first + _tiles(subject) + _limits(subject, feasible=True))
    return ReportSection("answer", "Answer", body, (picture,))


def notices(subject: Subject) -> Html:
    """Return what a reader must know before any figure, if anything."""
    found = []
    if not subject.content.is_as_run:
        found.append(
            "The study, read with today's data, is not the one that was run: it was changed, or the data were."
        )
    if subject.content.evaluator and subject.drifted:
        found.append(
            f"Designs were answered by {subject.content.evaluator}, not by the built-in model. What it answered "
            f"stands as it was recorded ({', '.join(subject.drifted)}). Every other figure, and what opens behind "
            "all of them, is of the built-in model."
        )
    elif subject.drifted:
        found.append(
            f"This version of the model gives other figures than the run recorded ({len(subject.drifted)} of "
            f"{len(subject.now)}). Figures are those recorded; what opens behind them is of this version."
        )
    return Html("".join(tag("p", words, class_="notice", role="note") for words in found))


def _headline(subject: Subject) -> Html:
    optimum, goal = subject.content.optimum, subject.study.objective
    status = optimum["status"]
    badge = tag("span", STATES.get(status, status), class_=f"badge {_tone(status, optimum)}")
    if optimum.get("objective") is None:
        return Html(tag("p", badge) + _nothing(subject))
    value = subject.figure(goal, pretty(optimum["objective"], OUTCOMES[goal].units))
    sense = "lowest" if subject.study.sense == "minimise" else "highest"
    return Html(
        tag("p", badge)
        + tag("p", value, class_="big")
        + tag("p", f"the {sense} {goal} found. {OUTCOMES[goal].meaning}")
    )


def _nothing(subject: Subject) -> Html:
    """Return that there is no design, and what the nearest miss breaks."""
    words = "No design meets every rule. "
    if subject.content.optimum["status"] == "unknown":
        words = "No design was found that meets every rule. "
    if not subject.content.has_optimum:
        return tag("p", words, "No trial was answered, so there is no nearest miss either.", class_="lead")
    broken = [limit_line(limit) for limit in subject.limits if not limit.margin >= 0.0]
    listed = tag("ul", [tag("li", line) for line in broken or subject.content.optimum.get("broken", ())])
    return Html(tag("p", words, "The nearest miss breaks:", class_="lead") + listed)


def _tone(status: str, optimum: Mapping[str, Any]) -> str:
    if optimum.get("audit") == "failed" or status == "infeasible":
        return "bad"
    return "good" if status == "optimal" else "fair"


def _certificate(subject: Subject) -> Html:
    """Return what is proved, how the search ended, and what its audit tried."""
    optimum, proof = subject.content.optimum, subject.content.certificate
    if subject.content.by_trials:
        best = f" The best is trial {optimum['number']:,}." if optimum.get("objective") is not None else ""
        return Html(tag("p", f"Found by trials, which prove no bound.{best}", class_="lead") + how(subject))
    ended = ENDINGS.get(optimum["stopped_by"], f"ended by {optimum['stopped_by']}")
    looked = f"{optimum['evaluated_designs']:,} designs evaluated"
    if optimum.get("boxes"):
        looked = f"{optimum['boxes']:,} boxes of designs bounded, {looked}"
    if proof is None:
        claim = "Heuristic search: no bound is proved."
    else:
        within = (
            "" if optimum["gap"] is None else f" The best design is within {percent(optimum['gap'])} of that bound."
        )
        claim = f"Proved: {proof['claim']}.{within}"
    words = f"{looked} in {optimum['seconds']:.1f} s, seed {optimum['seed']}, {ended}. Audit: {optimum['audit']}."
    return Html(tag("p", claim, class_="lead") + tag("p", words, class_="quiet"))


def _tiles(subject: Subject) -> Html:
    """Return the headline figures as tiles."""
    ratio = subject.outcome["cost_ratio_to_ground"]
    tiles = [(LABELS[name], subject.figure(name)) for name in HEADLINE]
    tiles.insert(0, ("the cost on the ground", subject.figure("cost_ratio_to_ground", f"{ratio:.2f} ×")))
    return tag("dl", [tag("div", tag("dt", label), tag("dd", value)) for label, value in tiles], class_="tiles")


def _limits(subject: Subject, *, feasible: bool) -> Html:
    """Return the binding rules, the next tightest and the variables at an end of their range."""
    limits = subject.limits
    tight = binding(limits)
    others = [one for one in limits if one not in tight and one.margin >= 0.0 and not one.is_idle][:NEXT_TIGHTEST]
    rows = [_limit("binding", one) for one in tight] + [_limit("next", one) for one in others]
    if feasible:
        rows += [_at_end(end) for end in subject.ends]
    by = ", by the built-in model" if subject.content.evaluator else ""
    return Html(tag("h3", f"What limits it{by}") + tag("ul", rows, class_="limits"))


def _limit(state: str, limit: Limit) -> Html:
    value, bound = pretty(limit.value, limit.units), pretty(limit.limit, limit.units)
    margin = f"margin {abs(limit.margin):.2%}" if limit.margin >= 0 else f"broken by {-limit.margin:.1%}"
    words = f" {value}, {limit.sense} {bound} ({margin}). {limit.sentence}"
    return tag("li", tag("span", state, class_=f"state {state}"), tag("strong", limit.name), words)


def _at_end(end: Mapping[str, Any]) -> Html:
    words = f" = {number(end['value'])}, the {end['end']} end of its range"
    return tag("li", tag("span", "at an end", class_="state end"), tag("strong", end["variable"]), words)


def _parity(subject: Subject) -> Html:
    """Return the launch price at which orbit costs what the ground costs."""
    parity = subject.outcome["breakeven_launch_usd_per_kg"]
    paid = subject.figure("launch_price_usd_per_kg", f"{money(subject.outcome['launch_price_usd_per_kg'])}/kg")
    if parity > 0:
        found = subject.figure("breakeven_launch_usd_per_kg", f"{money(parity)}/kg")
        return tag("p", "Parity at a launch price of ", found, "; this plan pays ", paid, ".")
    return tag("p", "No launch price reaches parity, not even zero; this plan pays ", paid, ".")
