"""The report can be read by everyone: contrast, keyboard, screen readers, paper."""

import functools
from pathlib import Path
from typing import Any

import pytest

from tests.report.page.test_table import mixed
from tests.support import studies
from tests.support.reports import LAPTOP, PHONE, Visit
from tuner_component.report.page import palette
from tuner_component.report.record import StudyRecord

_STUDIES = {
    "mixed": mixed,
    "twenty trials": functools.cache(lambda: studies.big_study(20)),
    "all failed": functools.cache(
        lambda: studies.study(
            *[studies.failed(str(i), f"ValueError: bad {i}") for i in range(12)]
        )
    ),
    "no trials": functools.cache(studies.study),
}


def violations(visit: Visit) -> list[str]:
    """What axe finds that keeps somebody from reading the page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(visit.page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {[n['html'][:120] for n in one['nodes'][:3]]}"
        for one in found
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", _STUDIES)
def test_axe_finds_nothing(
    browser: Any, tmp_path: Path, name: str, scheme: str
) -> None:
    """Some people could not read the page, or not by keyboard."""
    study: StudyRecord = _STUDIES[name]()
    visit = Visit(browser, study, tmp_path / "r.html", LAPTOP, color_scheme=scheme)
    visit.plots()
    visit.page.evaluate(
        "document.querySelectorAll('details').forEach(d => d.open = true)"
    )
    assert violations(visit) == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_dialogs(
    browser: Any, tmp_path: Path, scheme: str
) -> None:
    """What opens would be closed to some."""
    visit = Visit(browser, mixed(), tmp_path / "r.html", PHONE, color_scheme=scheme)
    visit.page.click("#trials-table .link:text-is('50')")
    assert violations(visit) == []
    visit.page.keyboard.press("Escape")
    for trial_id in ("03", "06"):
        visit.page.check(f"[aria-label='compare trial {trial_id}']")
    visit.page.click("button:has-text('Compare 2 trials')")
    assert violations(visit) == []


def test_dark_pages_have_their_own_colours(browser: Any, tmp_path: Path) -> None:
    """Plots would be dark on dark."""
    study = studies.big_study(30)
    visit = Visit(browser, study, tmp_path / "r.html", LAPTOP, color_scheme="dark")
    visit.plots()
    for plot, accent in (("plot-history", 1), ("plot-curves", 2)):
        colours = [
            line["line"]["color"]
            for line in visit.drawn(plot)["data"]
            if line.get("line", {}).get("width", 0) > accent
        ]
        assert palette.DARK[palette.ACCENT] in colours
    background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(20, 24, 29)"
    visit.page.emulate_media(color_scheme="light")
    visit.page.wait_for_function(
        "accent => document.getElementById('plot-curves').data"
        ".some(line => line.line.color === accent)",
        arg=palette.ACCENT,
    )


def test_page_is_white_on_paper(browser: Any, tmp_path: Path) -> None:
    """A dark page would take a cartridge; plots that were not seen would be missing."""
    study = studies.big_study(30)
    visit = Visit(browser, study, tmp_path / "r.html", LAPTOP, color_scheme="dark")
    visit.page.emulate_media(media="print", color_scheme="dark")
    visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    visit.page.wait_for_function(
        "[...document.querySelectorAll('.plot')].every(one => one.dataset.drawn)"
    )
    background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    widest = [line["line"]["color"] for line in visit.drawn("plot-curves")["data"]]
    assert palette.ACCENT in widest
    assert not visit.page.locator("nav").is_visible()


@pytest.mark.parametrize(
    ("zone", "told"), [("Asia/Tokyo", "00:06:40"), ("America/New_York", "11:06:40")]
)
def test_times_are_those_of_the_reader(
    browser: Any, tmp_path: Path, zone: str, told: str
) -> None:
    """People would look for their trial in the hours of another continent."""
    where = {"timezone_id": zone, "locale": "en-GB"}
    study = studies.big_study(8, workers=2)
    visit = Visit(browser, study, tmp_path / "r.html", LAPTOP, **where)
    assert told in visit.text("header")  # It began at 15:06:40 UTC.
    visit.plots()
    drawn = visit.drawn("plot-timeline")
    assert zone in drawn["layout"]["xaxis"]["title"]["text"]
    assert told in drawn["data"][0]["base"][0]


def test_all_of_it_can_be_reached_by_keyboard(browser: Any, tmp_path: Path) -> None:
    """Who uses no mouse could not open a trial."""
    visit = Visit(browser, mixed(), tmp_path / "r.html")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    visit.page.focus("#trials-table .link >> nth=0")
    visit.page.keyboard.press("Enter")
    assert visit.page.locator("dialog").is_visible()
    visit.page.keyboard.press("Escape")
    # Back where one was.
    focused = visit.page.evaluate("document.activeElement.className")
    assert focused == "link"


def test_without_scripts_the_words_are_there(browser: Any, tmp_path: Path) -> None:
    """A viewer of a bucket that runs no scripts would show an empty page."""
    visit = Visit(
        browser, studies.big_study(30), tmp_path / "r.html", java_script_enabled=False
    )
    assert "is the best of 29 that completed" in visit.text()
