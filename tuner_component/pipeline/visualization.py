"""The report in a notebook: `context.show(tuner.outputs["tuner_results"])`.

TFX's interactive context asks a registry for what shows an artifact of a type.
"""

import html
from typing import Any

from tfx.orchestration.experimental.interactive import visualizations
from tfx.types import standard_artifacts

from tuner_component.report import page
from tuner_component.report.loading import load_study
from tuner_component.results.loading import load_tuner_results
from tuner_component.search.errors import SearchError
from tuner_component.search.storage import files

_HEIGHT = 800
# Rows of a table of trials that stock's Tuner wrote.
_ROWS = 50


class TunerResultsVisualization(visualizations.ArtifactVisualization):  # type: ignore[misc]
    """Shows the report of a search; of stock's Tuner, the table of its trials."""

    ARTIFACT_TYPE = standard_artifacts.TunerResults

    def display(self, artifact: Any) -> None:
        """Shows an artifact in the notebook that this runs in."""
        from IPython import display  # There is none outside of notebooks.

        display.display(display.HTML(html_of(artifact.uri)))


def register() -> None:
    """Registers it; once more has no effect."""
    visualizations.get_registry().register(TunerResultsVisualization)


def html_of(uri: str) -> str:
    """The content of a TunerResults artifact as HTML.

    Args:
        uri: Of the artifact.
    """
    try:
        content = files.read_bytes(files.join(uri, page.REPORT_FILE)).decode()
    except (FileNotFoundError, UnicodeDecodeError):
        try:
            content = page.render(load_study(uri))
        except (FileNotFoundError, SearchError, ValueError):
            return _table(uri)
    # A page of its own: its styles are not the notebook's.
    return (
        f'<div><iframe srcdoc="{html.escape(content)}" title="report" '
        f'style="width: 100%; height: {_HEIGHT}px; border: 0"></iframe></div>'
    )


def _table(uri: str) -> str:
    try:
        trials = load_tuner_results(uri)
    except (OSError, ValueError) as error:
        return f"<p>{html.escape(str(error))}</p>"
    names = list(dict.fromkeys(name for t in trials for name in t.hyperparameters))
    rows = [["trial", "score", *names]]
    for trial in trials[:_ROWS]:
        values = [trial.hyperparameters.get(name, "") for name in names]
        rows.append([trial.trial_id, *map(str, (trial.score, *values))])
    shown = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{cells}</tr>' for cells in shown)}</table>"
