"""Reads a report: the data in its file, and what a browser shows of it."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from tuner_component.report import page
from tuner_component.report.record import StudyRecord

# As Debian and others name it; TUNER_COMPONENT_BROWSER names another.
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}


def data_of(text: str) -> dict[str, Any]:
    """The block of data that a report's page is drawn from."""
    (found,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', text
    )
    content: dict[str, Any] = json.loads(found)
    return content


def sentences_of(text: str) -> str:
    """What a report says, all sentences in one text."""
    data = data_of(text)
    return " ".join(one["text"] for one in (*data["findings"], *data["advice"]))


def browser_path() -> str | None:
    """Where a browser is; None if there is none."""
    named = os.environ.get("TUNER_COMPONENT_BROWSER")
    return named or next(filter(None, map(shutil.which, _BROWSERS)), None)


# Texts of reports by their studies' identities: tests look at one study many times.
_RENDERED: dict[int, tuple[StudyRecord, str]] = {}


def rendered(study: StudyRecord) -> str:
    """The report of a study, which must not change; drawn once in a process."""
    if id(study) not in _RENDERED:
        _RENDERED[id(study)] = (study, page.render(study))
    return _RENDERED[id(study)][1]


class Visit:
    """A look at a report, without a network.

    Args:
        browser: Of Playwright.
        study: Whose report it is.
        path: Where the file goes.
        viewport: The size of the screen.
        **context: More of the browser's context, such as `color_scheme`.
    """

    def __init__(
        self,
        browser: Any,
        study: StudyRecord,
        path: Path,
        viewport: dict[str, int] = LAPTOP,
        **context: Any,
    ) -> None:
        path.write_text(rendered(study))
        self.context = browser.new_context(viewport=viewport, offline=True, **context)
        self.context.set_default_timeout(30_000)
        self.errors: list[str] = []
        self.page = self.context.new_page()
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

    def table(self, selector: str) -> list[list[str]]:
        """The cells of a table's body, as they are shown."""
        found: list[list[str]] = self.page.eval_on_selector_all(
            f"{selector} tbody tr",
            "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))",
        )
        return found

    def drawn(self, plot: str) -> dict[str, Any]:
        """What Plotly drew: the `data` and the `layout` of a plot."""
        found: dict[str, Any] = self.page.eval_on_selector(
            f"#{plot}", "one => ({data: one.data, layout: one.layout})"
        )
        return found
