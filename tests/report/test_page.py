"""The report, in a browser: what it shows, how fast, and that names cannot change it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import studies
from tuner_component.report import page
from tuner_component.report.record import StudyRecord

# As Debian and others name it; TUNER_COMPONENT_BROWSER names another.
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LAPTOP = {"width": 1280, "height": 800}
_PHONE = {"width": 390, "height": 844}
_EVIL = "<img src=x onerror=\"document.title='broken in'\"></script><b>&amp;"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless browser; skips if there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    named = os.environ.get("TUNER_COMPONENT_BROWSER")
    path = named or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        pytest.skip("there is no browser: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        # Root in a container, as in continuous integration, has no sandbox.
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        yield started
        started.close()


class Visit:
    """A look at a report, without a network."""

    def __init__(
        self, browser: Any, study: StudyRecord, path: Path, viewport: dict[str, int]
    ) -> None:
        path.write_text(page.render(study))
        context = browser.new_context(viewport=viewport, offline=True)
        context.set_default_timeout(30_000)
        self.errors: list[str] = []
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", lambda request: self.errors.append(request.url))
        self.page.goto(path.as_uri())

    def plots(self) -> list[str]:
        """Scrolls to each plot; returns the ids of those that were drawn."""
        ids: list[str] = self.page.eval_on_selector_all(
            ".plot", "all => all.map(one => one.id)"
        )
        for name in ids:
            self.page.locator(f"#{name}").scroll_into_view_if_needed()
            self.page.wait_for_selector(f"#{name}[data-drawn] .main-svg")
        return ids

    def text(self, selector: str = "body") -> str:
        found: str = self.page.inner_text(selector)
        return found


def test_every_plot_is_drawn_without_a_network(browser: Any, tmp_path: Path) -> None:
    """A report opened from a bucket, or on a train, would have holes."""
    visit = Visit(browser, studies.big_study(40), tmp_path / "report.html", _LAPTOP)
    drawn = visit.plots()
    assert len(drawn) == 5 + 3  # One slice for each hyperparameter.
    assert visit.errors == []


def test_says_what_was_found(browser: Any, tmp_path: Path) -> None:
    """People would have to look for the result in the file beside it."""
    study = studies.big_study(60)
    visit = Visit(browser, study, tmp_path / "report.html", _LAPTOP)
    best = study.best
    assert best is not None
    assert f"val_loss {best.score:.6g}\nby trial" in visit.text("#best").replace(
        " by trial", "\nby trial"
    )
    assert f"rate\t{best.hyperparameters['rate']:.6g}" in visit.text("#best table")
    assert "3 ×" in visit.text("#failures")  # Alike but for a number.
    visit.plots()
    axis = visit.page.locator("#plot-importance .ytick text").all_text_contents()
    assert axis[-1] == "rate"  # The most important is on top.


def test_phone_needs_no_scrolling_sideways(browser: Any, tmp_path: Path) -> None:
    """The report could be read with a magnifying glass only."""
    visit = Visit(browser, studies.big_study(40), tmp_path / "report.html", _PHONE)
    visit.plots()
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= _PHONE["width"]


def test_what_users_write_is_shown_and_not_run(browser: Any, tmp_path: Path) -> None:
    """A name or a message could run code in the browser of its readers."""
    values = [{_EVIL: choice, "x": i} for i in range(6) for choice in (_EVIL, "b")]
    records = [
        studies.ended(str(i), 0.1 * i, values=value, worker=_EVIL)
        for i, value in enumerate(values)
    ]
    text = f"Traceback (most recent call last):\nValueError: {_EVIL}"
    records.append(studies.failed("99", text, worker=_EVIL))
    study = studies.study(
        studies.opened(objective_name=_EVIL, oracle=_EVIL),
        *records,
        versions={_EVIL: _EVIL},
        fingerprint={_EVIL: _EVIL},
    )
    visit = Visit(browser, study, tmp_path / "report.html", _LAPTOP)
    visit.plots()
    assert visit.page.title() != "broken in"
    assert visit.page.locator("img").count() == 0
    assert _EVIL in visit.text("#failures summary")
    assert visit.errors == []


def test_long_study_opens_within_two_seconds(browser: Any, tmp_path: Path) -> None:
    """The report of a search that matters would be too heavy to open."""
    path = tmp_path / "report.html"
    study = studies.big_study(2000, epochs=50)
    visit = Visit(browser, study, path, _LAPTOP)
    (opened,) = visit.page.evaluate(
        "performance.getEntriesByType('navigation').map(entry => entry.loadEventEnd)"
    )
    assert 0 < opened < 2000
    assert path.stat().st_size < 10_000_000
    visit.page.wait_for_selector("#plot-history[data-drawn]")
    assert visit.errors == []


@pytest.mark.parametrize(
    "study",
    [
        pytest.param(studies.study(), id="no trials"),
        pytest.param(studies.study(studies.created("0")), id="running"),
        pytest.param(studies.study(studies.failed("0", "")), id="failed"),
        pytest.param(studies.study(studies.ended("0", curves=[])), id="no epochs"),
        pytest.param(studies.study(studies.ended("0", worker=None)), id="no worker"),
    ],
)
def test_any_study_has_a_report(study: StudyRecord) -> None:
    """A search that went wrong is when people need to see what happened."""
    assert page.render(study).startswith("<!DOCTYPE html>")


def test_nodes_of_a_cluster_are_in_the_report() -> None:
    """People would not see that one machine loses what it is given."""
    shared = {"started": studies.BEGAN, "ended": studies.BEGAN + 30}
    trials = [
        studies.ended(str(i), worker=f"worker-{i}@10.0.0.{i % 2}", **shared)
        for i in range(4)
    ]
    text = page.render(studies.study(*trials))
    assert "on 2 nodes" in text
    assert "<td>10.0.0.1</td>" in text
    assert "<th>node</th>" not in page.render(studies.study(studies.ended("0")))
