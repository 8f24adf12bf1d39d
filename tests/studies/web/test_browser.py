"""The report and the explorer in a real browser: opened, used, and without a complaint on its console."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dawndusk.studies.output.report.page import write_report

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("plotly")
pytest.importorskip("uvicorn")

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(not BROWSER, reason="no Chrome or Chromium"),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
HARMLESS = re.compile(r"GL Driver Message|GPU stall")
"""What a browser without a graphics card says about itself."""
SERVE = (
    "import sys\nfrom dawndusk.studies.cli.serve import serve_command\n"
    "sys.exit(serve_command.main(sys.argv[1:], standalone_mode=False))\n"
)
PATIENCE_S = 40.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    options = {"executable_path": BROWSER, "args": ["--no-sandbox", "--disable-gpu", "--disable-quic"]}
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(**options)
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    """Open pages that must not complain."""
    complaints: list[str] = []
    contexts = []

    def opened(url: str, viewport: dict[str, int] = LAPTOP, **options: Any) -> Any:
        context = browser.new_context(viewport=viewport, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000.0 * PATIENCE_S)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("request", lambda asked: complaints.append(asked.url) if _is_elsewhere(asked.url) else None)
        page.goto(url)
        page.wait_for_selector("html[data-ready='yes']")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one for one in complaints if not HARMLESS.search(one)] == []


def until(page: Any, expression: str, argument: object = None) -> None:
    """Wait for an expression to hold. The page forbids what the library would do for that: evaluate text in it."""
    deadline = time.monotonic() + PATIENCE_S
    while not page.evaluate(expression, argument):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def _is_elsewhere(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:"))


@pytest.fixture(scope="module")
def report(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(finished, tmp_path_factory.mktemp("browser") / "report.html").as_uri()


@pytest.fixture(scope="module")
def explorer(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a run in an explorer that serves all tests here."""
    folder = tmp_path_factory.mktemp("explorer")
    shutil.copytree(finished, folder / "small-run")
    command = [sys.executable, "-c", SERVE, "--folder", str(folder), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout is not None
        yield f"{server.stdout.readline().removeprefix('explorer: ').strip()}#run=small-run"
        server.send_signal(signal.SIGINT)
        server.wait(60)


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_and_draws_every_figure(
    open_page: Any, report: str, viewport: dict[str, int], scheme: str
) -> None:
    page = open_page(report, viewport, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    drawn = page.eval_on_selector_all(
        ".canvas", "all => all.map(one => one.querySelectorAll('.plot-container').length)"
    )
    assert len(drawn) >= 7 and set(drawn) == {1}
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(255, 255, 255)") == (scheme == "light")
    if viewport is LAPTOP:
        heading = page.locator("h3", has_text="What limits it")
        assert heading.bounding_box()["y"] < viewport["height"]


def test_a_figure_opens_with_the_keyboard_and_closes_with_escape(open_page: Any, report: str) -> None:
    page = open_page(report)
    page.locator("p.big .figure").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#trace")
    dialog.wait_for(state="visible")
    assert "discounted cost usd / delivered worth pflop hours" in dialog.inner_text()
    dialog.locator("summary", has_text="discounted_cost_usd").first.click()
    assert "deployed" in dialog.inner_text()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def test_the_report_turns_dark_and_back(open_page: Any, report: str) -> None:
    page = open_page(report)
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_the_report_prints(open_page: Any, report: str) -> None:
    page = open_page(report)
    assert page.pdf()[:5] == b"%PDF-"


def number_of(text: str) -> float:
    return float(text.split(maxsplit=1)[0].replace(",", ""))


def test_the_answer_follows_a_slider_and_comes_back(explorer: str, open_page: Any) -> None:
    page = open_page(explorer)
    headline = page.locator("#headline")
    first = headline.inner_text()
    page.locator("#design-altitude-km").fill("1200")
    until(page, "before => document.querySelector('#headline').textContent !== before", first)
    assert number_of(headline.inner_text()) > number_of(first)
    slider = page.locator("[data-variable='altitude_km'] input[type='range']")
    slider.focus()
    second = headline.inner_text()
    for _ in range(5):
        page.keyboard.press("PageDown")
    until(page, "before => document.querySelector('#headline').textContent !== before", second)
    page.locator("[data-variable='altitude_km'] .undo").click()
    until(page, "before => document.querySelector('#headline').textContent === before", first)


def test_a_rule_that_breaks_is_shown_and_a_link_brings_it_back(explorer: str, open_page: Any) -> None:
    page = open_page(explorer)
    page.locator("#design-shielding-mm").fill("0.5")
    until(page, "document.querySelector('#state').textContent === 'breaks rules'")
    assert "dose" in page.locator("#limits").inner_text()
    until(page, "location.hash.startsWith('#state=')")
    seen = page.locator("#headline").inner_text()
    until(page, "document.querySelector('#answer').getAttribute('aria-busy') === 'false'")
    again = open_page(page.url)
    assert again.locator("#headline").inner_text() == seen
    assert again.locator("#design-shielding-mm").input_value() == "0.5"


def test_a_damaged_link_is_said_to_be_one(explorer: str, open_page: Any) -> None:
    page = open_page(explorer.replace("run=small-run", "state=@@@"))
    assert "The link is damaged" in page.locator("#message").inner_text()


def test_beliefs_are_found_and_changed(explorer: str, open_page: Any) -> None:
    page = open_page(explorer)
    first = page.locator("#headline").inner_text()
    page.locator("#belief-search").fill("cost.nre_usd")
    page.locator("#belief-search").press("Enter")
    page.locator("#assumptions-cost-nre-usd").fill("90000000000")
    until(page, "before => document.querySelector('#headline').textContent !== before", first)
    page.locator("#belief-search").fill("cost.nothing")
    page.locator("#belief-search").press("Enter")
    assert "no belief cost.nothing" in page.locator("#message").inner_text()


def test_it_optimises_again_and_opens_the_run(explorer: str, open_page: Any) -> None:
    page = open_page(explorer)
    page.locator("#assumptions-launch-programme-share").fill("0.9")
    page.locator("#optimise [name='engine']").select_option("evolution")
    page.locator("#optimise [name='time_limit_s']").fill("3")
    page.get_by_role("button", name="Optimise").click()
    until(page, "/^Done: run job-/.test(document.querySelector('#progress').textContent)")
    until(page, "document.querySelector('#base').value.includes('job-')")
    assert page.locator("#progress-chart").is_visible()
    assert "0.9" in page.locator("#assumptions-launch-programme-share").input_value()


def test_a_search_is_cancelled(explorer: str, open_page: Any) -> None:
    page = open_page(explorer)
    page.locator("#optimise [name='gap']").fill("0.0001")
    page.locator("#optimise [name='time_limit_s']").fill("600")
    page.locator("#base").select_option('{"study":"orbit-200mw"}')
    until(page, "document.title.includes('200')")
    page.get_by_role("button", name="Optimise").click()
    until(page, "/examined|designs/.test(document.querySelector('#progress').textContent)")
    page.locator("#cancel").click()
    until(page, "/^Cancelled/.test(document.querySelector('#progress').textContent)")


def test_states_stand_side_by_side(explorer: str, open_page: Any) -> None:
    page = open_page(explorer)
    page.get_by_role("button", name="Keep this for comparison").click()
    page.locator("#design-altitude-km").fill("900")
    until(page, "document.querySelector('#latency').textContent.includes('1 changed')")
    page.get_by_role("button", name="Keep this for comparison").click()
    table = page.locator("#compare").inner_text()
    assert "small-run, 1 changed" in table and "altitude_km" in table and "900 km" in table
    page.get_by_role("button", name="Remove small-run, 1 changed").click()
    assert "1 changed" not in page.locator("#compare").inner_text()


@pytest.mark.parametrize("kind", ["json", "csv", "yaml", "html"])
def test_what_is_seen_is_saved(explorer: str, open_page: Any, kind: str) -> None:
    page = open_page(explorer)
    with page.expect_download() as saved:
        page.locator("#export").select_option(kind)
    assert saved.value.suggested_filename.endswith(f".{kind}")
    assert Path(saved.value.path()).stat().st_size > 500


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_explorer_fits_a_phone(explorer: str, open_page: Any, scheme: str) -> None:
    page = open_page(explorer, PHONE, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator(".mini").is_visible()


def test_every_control_has_a_name(explorer: str, open_page: Any) -> None:
    page = open_page(explorer)
    nameless = page.evaluate(
        "[...document.querySelectorAll('input, select, button')].filter(one => !(one.labels && one.labels.length) "
        "&& !one.getAttribute('aria-label') && !one.textContent.trim()).map(one => one.outerHTML)"
    )
    assert nameless == []
