"""What a stranger may type or hold: each ends in one clear message and exit code 2, or 3 with the rule's name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dawndusk.models.design import VARIABLES
from dawndusk.models.errors import DawnduskError
from dawndusk.studies.cli import main
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import evaluate_design, nominal_design


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["dawndusk", *arguments])
    with pytest.raises(SystemExit) as left:
        main.main()
    return int(left.value.code or 0)


BAD_ITEMS = [
    "design.altitude_km=-500",
    "design.altitude_km=0",
    "design.altitude_km=.nan",
    "design.altitude_km=.inf",
    "design.altitude_km=1e308",
    "design.altitude_km=500 miles",
    "design.altitude_km=high",
    "design.altitude_km=true",
    "design.altitude_km=[500, 600]",
    "design.altitude_km={low: 900, high: 500}",
    "design.altitude_m=500000",
    "design.satellites=1.5",
    "design.satellites=-1",
    "design.vehicle=starship_v9",
    "design.vehicle=[]",
    "design.vehicle=",
    "demand.it_power_mw=0",
    "demand.it_power_mw=1e308",
    "demand.it_power_mw=200 MW",
    "subject_to=[capex_usd < 1, capex_usd > 2]",
    "subject_to=[capex_usd < 1, capex_usd > 1]",
    "subject_to=[capex_usd <= nan]",
    "demand.price_usd_per_pflop_hour=0",
    "demand.price_usd_per_pflop_hour=-20",
    "demand.price_usd_per_pflop_hour=.inf",
    "maximise=value_usd",
    "maximise=revenue_usd",
    "search.gap=0",
    "search.gap=1",
    "search.gap=.nan",
    "search.gap=tight",
    "search.audit=yes",
    "search.second_bound=0",
    "search.engine=simplex",
    "assumptions.launch.programme_share=2",
    "assumptions.vehicles.starship_v3.price_usd=-1",
    "search.time_limit_s=0",
    "search.seed=-1",
    "maximise=happiness",
    "name=../../etc/passwd",
    "nonsense",
    "=",
    "",
    "a.b.c.d.e.f=1",
    "__class__=1",
    "design.__class__=1",
    "design.altitude_km=!!python/object/apply:os.system [ls]",
    f"title={'x' * 100_000}",
    f"{'x' * 100_000}=1",
    "\x1b[31m=1",
]


@pytest.mark.parametrize("command", ["evaluate", "run", "check", "compare"])
@pytest.mark.parametrize("item", BAD_ITEMS, ids=[ascii(item[:40]) for item in BAD_ITEMS])
def test_a_bad_item_is_one_short_message(
    item: str, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, command, "orbit-200mw", "--set", item) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.rstrip("\n").isprintable()
    assert len(captured.err) < 5000


FILES = {
    "empty": b"",
    "binary": bytes(range(256)),
    "half": b"name: x\nextends: orbit-200mw\ndesign: {altitude_km",
    "list": b"- 1\n",
    "alien": b"<html></html>",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_bad_file_is_one_short_message(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    assert call(monkeypatch, "run", str(path)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("name", ["", ".", "/", "no/such.yaml", "x" * 100_000, "\udcff", "/dev/null", "-"])
def test_a_bad_name_is_one_short_message(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "evaluate", name) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert len(captured.err) < 1000


TOO_MUCH = [
    ("design.optical_terminals=0", "connectivity"),
    ("design.radiator_area_m2=5", "heat"),
    ("assumptions.accelerators.gb200_nvl72.junction_limit_k=260", "junction_temperature"),
    ("demand.it_power_mw=1000000", "deployment_time"),
    ("design.shielding_mm=0.5", "dose"),
    ("assumptions.scenario.first_launch_year=2025", "vehicle_available"),
    ("design.accelerators_per_satellite=20000", "packing"),
    ("subject_to=[capex_usd <= 1]", "capex_usd <= 1"),
]


@pytest.mark.parametrize(("item", "rule"), TOO_MUCH, ids=[rule for _, rule in TOO_MUCH])
def test_what_can_not_be_built_is_stated_with_its_rule_and_margin(
    item: str, rule: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(monkeypatch, "evaluate", "orbit-200mw", "--set", item)
    captured = capsys.readouterr()
    assert code in (2, 3), captured
    if code == 2:  # beyond the domain of the model, which is also no number
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        return
    lines = captured.out.split("Design\n")[0].splitlines()
    assert lines[0] == "INFEASIBLE"
    assert any(line.strip().startswith(f"{rule}: ") for line in lines), lines
    assert "broken by" in captured.out


HUGE = [
    "assumptions.platform.fixed_mass_kg=1e308",
    "assumptions.ground.electricity_usd_per_mwh=1e308",
    "assumptions.accelerators.gb200_nvl72.chip_power_w=1e308",
    "assumptions.network.link_reference_km=1e308",
]


@pytest.mark.parametrize("item", HUGE)
def test_absurd_beliefs_give_no_number(
    item: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "evaluate", "orbit-200mw", "--set", item) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1


def test_a_hostile_title_steers_neither_terminal_nor_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_text('name: hostile\nextends: ground-only\ntitle: "[/red]\\e[31m[bold]x"\n', encoding="utf-8")
    assert call(monkeypatch, "run", str(path)) == 0
    out = capsys.readouterr().out
    assert out.startswith("[/red] [31m[bold]x")
    assert "\x1b" not in out


VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(["", "{}", "[]", "null", "true", "{low: 1}", "{low: 1, high: 2, nominal: 9}", "demand", "0x1f"]),
)
KEYS = st.one_of(
    st.sampled_from([f"design.{name}" for name in VARIABLES]),
    st.sampled_from(["demand.it_power_mw", "demand.delivered_pflops", "subject_to", "minimise", "search.seed"]),
    st.sampled_from(["demand.price_usd_per_pflop_hour", "search.gap", "search.audit", "maximise"]),
    st.text(max_size=20),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(key=KEYS, value=VALUES)
def test_any_item_gives_finite_outcomes_or_an_error(key: str, value: str) -> None:
    try:
        study = read_study("orbit-200mw", [f"{key}={value}"])
        evaluated = evaluate_design(study, nominal_design(study))
    except DawnduskError as error:
        assert str(error)
        return
    assert all(abs(number) < float("inf") for number in evaluated.outcome.values())
