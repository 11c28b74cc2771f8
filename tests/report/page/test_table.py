"""The report's table and what opens from it: every number is the record's."""

import csv
import functools
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import studies
from tests.support.reports import Visit
from tuner_component.report import importance, timeline
from tuner_component.report.record import StudyRecord, TrialRecord


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Visit:
    return Visit(browser, mixed(), tmp_path / "report.html")


@functools.cache
def mixed() -> StudyRecord:
    """Trials of each status, two trainings, a conditional hyperparameter, a re-run."""
    values = [
        {"units": 8 + i, "rate": 10.0**-i, "kind": "ab"[i % 2]} for i in range(12)
    ]
    trials = []
    for i, one in enumerate(values):
        if i % 3 == 0:
            one["depth"] = i
        curves = [
            {"loss": [1.0 + i, 0.5 + i], "val_loss": [0.9 + i, 0.1 + i / 7]},
            {"loss": [1.1 + i, 0.6 + i], "val_loss": [0.8 + i, 0.2 + i / 7]},
        ]
        score = 0.15 + i / 7
        metrics = {
            name: {
                "direction": "min",
                "observations": [{"value": [value], "step": 1}],
            }
            for name, value in (("val_loss", score), ("size", 1000.0 * i))
        }
        times = {"ended": studies.BEGAN + 10 * (i + 1), "started": studies.BEGAN}
        trials.append(
            studies.ended(
                f"{i:02}",
                score,
                values=one,
                curves=curves,
                metrics={"metrics": metrics},
                **times,
            )
        )
    text = "Traceback (most recent call last):\n  in build\nValueError: too deep"
    trials.append(studies.failed("50", text, values={"units": 99, "rate": 0.1}))
    trials.append(studies.created("60"))
    trials += [studies.created("70"), studies.paused("70")]
    return studies.study(*trials)


def seconds_of(text: str) -> float:
    """A duration as the page says it, such as "1 min 10 s"."""
    parts = text.removesuffix(" s").split(" min ")
    return sum(60**i * float(part) for i, part in enumerate(reversed(parts)))


def test_every_trial_is_there_with_its_numbers(visit: Visit) -> None:
    """A trial that failed, or one beyond the fiftieth, would be nowhere."""
    study = mixed()
    headings = visit.page.locator("#trials-table thead th").all_inner_texts()
    rows = {
        row[2].split()[0]: dict(zip(headings, row[1:], strict=True))
        for row in visit.table("#trials-table")
    }
    assert set(rows) == {trial.trial_id for trial in study.trials}
    assert {"score (val_loss)", "size", "units", "rate", "kind", "depth"} <= set(
        headings
    )
    for trial in study.trials:
        check(rows[trial.trial_id], trial)
    ranks = [rows[trial.trial_id]["rank"] for trial in study.completed]
    assert ranks == [str(i + 1) for i in range(12)]


def check(row: dict[str, str], trial: TrialRecord) -> None:
    assert row["status"].startswith(trial.status.lower())
    if trial.score is None:
        assert row["score (val_loss)"] == "–"
    else:
        assert float(row["score (val_loss)"]) == pytest.approx(trial.score, 1e-5)
        assert float(row["size"]) == trial.metrics["size"]
        assert seconds_of(row["time"]) == pytest.approx(trial.duration_s, abs=0.5)
    assert row["epochs"] == (str(trial.epochs) if trial.epochs else "–")
    for name in ("units", "rate", "depth", "kind"):
        value = trial.hyperparameters.get(name, "–")
        if isinstance(value, str):
            assert row[name] == value
        else:
            assert float(row[name]) == pytest.approx(value, rel=1e-5)
    assert row["failed with"] == (trial.cause or "–")


def test_numbers_above_the_table_are_the_record_s(visit: Visit) -> None:
    """A summary could say what the trials do not."""
    study = mixed()
    told = dict(
        visit.page.eval_on_selector_all(
            ".facts div",
            "all => all.map(one => [one.children[0].innerText, one.children[1].innerText])",
        )
    )
    spans = timeline.spans(study)
    assert told["completed"].split()[0] == str(len(study.completed)) == "12"
    assert told["failed"] == "1" and told["paused"] == "1"
    assert told["not ended yet"] == "1"
    assert told["attempts"] == str(sum(len(t.attempts) for t in study.trials))
    assert told["epochs trained"] == str(sum(t.epochs for t in study.trials))
    seconds = sum(span.ended - span.started for span in spans)
    minutes, rest = divmod(round(seconds), 60)
    assert told["time of all trials"] == f"{minutes} min {rest} s"
    busy = timeline.busy_share(spans)
    assert busy is not None and told["workers busy"] == f"{100 * busy:.0f} %"


def test_plots_show_the_record_s_numbers(visit: Visit) -> None:
    """A plot could show other numbers than the table."""
    study = mixed()
    visit.plots()
    points = {
        (trial, y)
        for trace in visit.drawn("plot-history")["data"]
        if trace["mode"] == "markers"
        for trial, y in zip(trace["customdata"], trace["y"], strict=True)
    }
    assert points == {(t.trial_id, t.score) for t in study.completed}
    (bars,) = visit.drawn("plot-importance")["data"]
    shares = importance.importances(study)
    assert dict(zip(bars["y"], bars["x"], strict=True)) == pytest.approx(shares)
    curves = {
        line["customdata"][0]: line["y"] for line in visit.drawn("plot-curves")["data"]
    }
    for trial in study.completed:
        assert curves[trial.trial_id] == list(trial.executions[0]["val_loss"])


def test_numbers_of_a_plot_can_be_read(visit: Visit) -> None:
    """Who does not see a plot would have nothing."""
    visit.page.click("#history .numbers summary")
    rows = visit.table("#history .numbers")
    scores = sorted(float(row[3]) for row in rows if row[0] == "completed")
    expected = sorted(trial.score or 0.0 for trial in mixed().completed)
    assert scores == pytest.approx(expected, rel=1e-5)
    label = visit.page.get_attribute("#plot-history", "aria-label")
    assert label is not None and "12 trials" in label


def ids(visit: Visit) -> list[str]:
    return [row[2].split()[0] for row in visit.table("#trials-table")]


def test_sorts_by_any_column_and_with_the_keyboard(visit: Visit) -> None:
    """People would look for the largest by eye; some could not sort at all."""
    visit.page.focus('[data-column="metric.size"]')
    visit.page.keyboard.press("Enter")
    assert ids(visit)[:3] == ["00", "01", "02"]
    visit.page.keyboard.press("Enter")  # It has kept the focus.
    assert ids(visit)[:3] == ["11", "10", "09"]
    assert set(ids(visit)[-3:]) == {"50", "60", "70"}  # They have no size.
    order = visit.page.get_attribute('th:has([data-column="metric.size"])', "aria-sort")
    assert order == "descending"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("deep", ["50"]),
        ("rate<=1e-10", ["10", "11"]),
        ("units>=17 kind=b", ["09", "11"]),
        ("depth=9", ["09"]),
        ("status=failed", ["50"]),
        ("nothing-like-it", []),
        ("<img", []),
    ],
)
def test_finds_by_words_and_by_conditions(
    visit: Visit, query: str, found: list[str]
) -> None:
    """Of two thousand trials nobody would find one."""
    visit.page.fill("#search", query)
    assert sorted(ids(visit)) == found
    assert f"{len(found)} trial" in visit.text("#trials [role=status]")


def test_filters_by_status_and_chooses_columns(visit: Visit) -> None:
    """A table of thirty columns would be all or nothing."""
    visit.page.select_option("#status", "paused")
    assert ids(visit) == ["70"]
    visit.page.click(".chooser summary")
    visit.page.uncheck(".chooser label:has-text('units') input")
    visit.page.check(".chooser label:has-text('attempts') input")
    headings = visit.page.locator("#trials-table thead th").all_inner_texts()
    assert "units" not in headings and "attempts" in headings


def test_downloads_what_is_found(visit: Visit, tmp_path: Path) -> None:
    """People would copy numbers by hand into their own tables."""
    study = mixed()
    for name in ("CSV", "JSON"):
        with visit.page.expect_download() as waiting:
            visit.page.get_by_role("button", name=name, exact=True).click()
        waiting.value.save_as(tmp_path / name)
    table = csv.DictReader(io.StringIO((tmp_path / "CSV").read_text(), newline=""))
    rows = {row["trial_id"]: row for row in table}
    trials = {row["id"]: row for row in json.loads((tmp_path / "JSON").read_text())}
    for trial in study.trials:
        row = rows[trial.trial_id]
        assert row["hp.units"] == str(trial.hyperparameters["units"])
        assert (row["score"] == "") is (trial.score is None)
        assert trial.score is None or float(row["score"]) == trial.score
        assert trials[trial.trial_id]["hp"] == dict(trial.hyperparameters)


def test_a_spreadsheet_runs_nothing_of_it(browser: Any, tmp_path: Path) -> None:
    """A name of a hyperparameter's value could be a formula."""
    values = {"units": 8, "formula": "=cmd|' /C calc'!A0"}
    study = studies.study(studies.ended("0", values=values))
    visit = Visit(browser, study, tmp_path / "report.html")
    with visit.page.expect_download() as waiting:
        visit.page.get_by_role("button", name="CSV", exact=True).click()
    waiting.value.save_as(tmp_path / "csv")
    assert "'=cmd" in (tmp_path / "csv").read_text()


def test_a_trial_opens(visit: Visit) -> None:
    """Its second training, its attempts and its traceback would be nowhere."""
    study = mixed()
    visit.page.click("#trials-table .link:text-is('04')")
    text = visit.text("dialog")
    trial = next(t for t in study.trials if t.trial_id == "04")
    assert f"rate\t{trial.hyperparameters['rate']:g}" in text
    assert "Attempts" in text and "worker-0" in text
    lines = visit.drawn("plot-of-trial")["data"]
    assert [line["name"] for line in lines] == [
        "trial 04, training 1",
        "trial 04, training 2",
    ]
    for line, curves in zip(lines, trial.executions, strict=True):
        assert line["y"] == pytest.approx(list(curves["val_loss"]), rel=1e-5)
    visit.page.select_option("#metric", "loss")
    assert visit.drawn("plot-of-trial")["data"][0]["y"] == [5.0, 4.5]
    visit.page.keyboard.press("Escape")
    assert visit.page.locator("dialog").count() == 0
    visit.page.click("#trials-table .link:text-is('50')")
    assert "in build\nValueError: too deep" in visit.text("dialog pre")
    assert visit.errors == []


def test_a_configuration_is_copied(visit: Visit) -> None:
    """People would type sixteen digits of a learning rate."""
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.click("#best button:has-text('Copy')")
    visit.page.wait_for_selector("#best button:has-text('Copied')")
    best = mixed().best
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert best is not None and json.loads(copied) == dict(best.hyperparameters)


def test_trials_are_compared_side_by_side(visit: Visit) -> None:
    """People would open one trial after the other, and remember."""
    for trial_id in ("03", "06"):
        visit.page.check(f"[aria-label='compare trial {trial_id}']")
    visit.page.click("button:has-text('Compare 2 trials')")
    rows = dict(
        visit.page.eval_on_selector_all(
            "dialog .compare tbody tr:not(.group)",
            "all => all.map(row => [row.cells[0].innerText, "
            "[...row.cells].slice(1).map(cell => cell.innerText)])",
        )
    )
    assert rows["units"] == ["11", "14"] and rows["depth"] == ["3", "6"]
    assert rows["size"] == ["3000", "6000"]
    same = visit.page.locator("dialog .compare tr:has(th:text-is('kind'))")
    assert same.get_attribute("class") == "differs"
    assert len(visit.drawn("plot-of-trial")["data"]) == 4
    assert visit.errors == []


def test_a_point_of_a_plot_opens_its_trial(visit: Visit) -> None:
    """People would look up the number of a point in the table."""
    visit.plots()
    visit.page.locator("#plot-history .points path").first.click(force=True)
    visit.page.wait_for_selector("dialog")
    assert visit.text("dialog h2").startswith("Trial ")
