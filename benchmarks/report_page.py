"""Measures the report's page: its size, and how soon a browser shows its first plot.

    python -m benchmarks.report_page [--quick] [--check]

Goal: a page of 60 trials has less than 2 MB and one of 2,000 trials less than 10 MB, and
each shows its first plot within a second. That time is the browser's own, from the start of
the navigation to the first drawn plot, in the median of several loads of a file. For
comparison: the size and the time of a page with nothing but one plot of 60 points, by
Plotly's Python library (`write_html`), which brings the whole of plotly.js.

The studies are those of searches that really ran, with six hyperparameters and twenty
epochs, of a function instead of a model. It needs Chromium.
"""

import argparse
import functools
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import plotly.graph_objects
from playwright import sync_api

from benchmarks import harness
from tuner_component import report_epoch, tune
from tuner_component.report import page
from tuner_component.report.record import StudyRecord

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LAPTOP = {"width": 1366, "height": 768}
_EPOCHS = 20
_GOALS_MB = {60: 2.0, 2000: 10.0}
_GOAL_S = 1.0
_LOADS = 7
# What the browser's clock says at the first drawing that it has seen of a plot.
_WATCH = """
new MutationObserver(() => {
  if (window.firstPlot === undefined && document.querySelector(".main-svg .trace")) {
    requestAnimationFrame(() => { window.firstPlot ??= performance.now(); });
  }
}).observe(document, {childList: true, subtree: true});
"""


class Curves(keras_tuner.Tuner):
    """Has curves, and trains nothing."""

    def run_trial(self, trial: Any) -> float:
        """Reports epochs; the score is the last one's."""
        hp = trial.hyperparameters
        rate = hp.Float("rate", 1e-4, 0.1, sampling="log")
        units = hp.Int("units", 8, 512, step=8)
        slope = hp.Float("momentum", 0.0, 0.99)
        worse = hp.Choice("activation", ["relu", "tanh", "gelu"]) == "tanh"
        dropout = hp.Float("dropout", 0.0, 0.6) * hp.Boolean("regularized")
        score = (math.log10(rate) + 2.5) ** 2 + 8 / units + 0.2 * worse + dropout
        for epoch in range(_EPOCHS):
            loss = score + 2 * math.exp(-epoch * (1 - slope))
            report_epoch({"loss": loss, "val_loss": loss + 0.1})
        return loss + 0.1


def search(trials: int, directory: str) -> StudyRecord:
    """The study of a search in this process."""

    def make_tuner() -> Curves:
        oracle = keras_tuner.oracles.RandomSearchOracle(
            objective=keras_tuner.Objective("val_loss", "min"),
            max_trials=trials,
            seed=1,
        )
        oracle.verbose = 0
        return Curves(oracle)

    found = tune(make_tuner, {}, directory=directory, seed=1)
    return found.study


def first_plot_s(browser: Any, file: Path, loads: int) -> float:
    """The median time to the first plot, in seconds."""
    times = []
    for _ in range(loads):
        context = browser.new_context(viewport=_LAPTOP, offline=True)
        context.add_init_script(_WATCH)
        view = context.new_page()
        view.goto(file.as_uri())
        shown = view.wait_for_function("window.firstPlot", timeout=60_000)
        times.append(shown.json_value() / 1e3)
        context.close()
    return statistics.median(times)


def peer() -> str:
    """A page of Plotly's with one plot."""
    figure = plotly.graph_objects.Figure()
    figure.add_scatter(x=list(range(60)), y=[1 / (i + 1) for i in range(60)])
    text: str = figure.to_html()
    return text


def measure(browser: Any, write: Callable[[], str], loads: int) -> dict[str, float]:
    """Size, time to write and time to the first plot of a page."""
    began = time.perf_counter()
    text = write()
    took = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "report.html")
        file.write_text(text)
        return {
            "megabytes": file.stat().st_size / 1e6,
            "written_s": took,
            "first_plot_s": first_plot_s(browser, file, loads),
        }


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    arguments = parser.parse_args()
    loads = 3 if arguments.quick else _LOADS
    with sync_api.sync_playwright() as playwright:
        # Root in a container has no sandbox.
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, _BROWSERS))),
            args=["--no-sandbox"],
        )
        figures = {"plotly": measure(browser, peer, loads)}
        for trials in _GOALS_MB:
            with tempfile.TemporaryDirectory() as directory:
                study = search(trials, directory)
            write = functools.partial(page.render, study)
            figures[str(trials)] = measure(browser, write, loads)
            print(f"{trials} trials: {figures[str(trials)]}", flush=True)
        browser.close()
    met = all(
        figures[str(trials)]["megabytes"] < goal
        and figures[str(trials)]["first_plot_s"] < _GOAL_S
        for trials, goal in _GOALS_MB.items()
    )
    harness.report(arguments, figures, met)


if __name__ == "__main__":
    main()
