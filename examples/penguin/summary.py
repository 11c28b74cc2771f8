"""Shows in the terminal what a person wants to know after a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import tensorflow_model_analysis as tfma

from examples.penguin import artifacts, client, penguin_module, pipeline
from tuner_component import load_best_hyperparameters, load_tuner_results

# Lines of the CSV: two of each species, and one in which nearly everything is missing.
_LINES = (2, 12, 181, 227, 273, 279, 328)

_SHOWN_TRIALS = 3


class Summary:
    """Prints the results of the last run of a pipeline.

    Methods show what is in files, and remember the files; `places` lists them.
    """

    def __init__(self, root: Path, pipeline_name: str, terminal: TextIO) -> None:
        self._root = root
        self._pipeline = pipeline_name
        self._terminal = terminal
        self._places: dict[str, str] = {}

    def trials(self) -> str:
        """Shows the best trials of the search.

        Returns:
            The path of the file with the best hyperparameters.
        """
        uri = self._latest("Tuner", "tuner_results").uri
        results = load_tuner_results(uri)
        best = results[:_SHOWN_TRIALS]
        self._print(f"\nBest {len(best)} of {len(results)} trials, by val_loss")
        self._table(
            ["trial", "val_loss", *best[0].hyperparameters],
            [
                [trial.trial_id, trial.score, *trial.hyperparameters.values()]
                for trial in best
            ],
        )
        self._places["all trials"] = os.path.join(uri, "tuner_results.json")
        self._places["report of the search"] = os.path.join(uri, "report.html")
        uri = self._latest("Tuner", "best_hyperparameters").uri
        path = os.path.join(uri, "best_hyperparameters.txt")
        self._places["best hyperparameters"] = path
        return path

    def hyperparameters(self, uri: str) -> None:
        """Shows the hyperparameters that the model was trained with."""
        values = load_best_hyperparameters(uri).values
        self._print("\nTrained with")
        self._table(list(values), [list(values.values())])
        self._places["hyperparameters"] = os.path.join(uri, "best_hyperparameters.txt")

    def evaluation(self) -> None:
        """Shows the accuracy on rows that neither search nor training used."""
        uri = self._latest("Evaluator", "evaluation").uri
        metrics = tfma.load_eval_result(uri).get_metrics_for_slice()
        count = metrics["example_count"]["doubleValue"]
        accuracy = metrics["sparse_categorical_accuracy"]["doubleValue"]
        self._print(
            f"\nAccuracy on the test split ({count:.0f} penguins): {accuracy:.1%}\n"
            f"  To be pushed, a model needs {pipeline.MIN_ACCURACY:.0%}."
        )
        self._places["evaluation"] = uri

    def predictions(self) -> bool:
        """Shows the pushed model's predictions for rows of the CSV.

        Returns:
            Whether a model was pushed.
        """
        pushed = self._latest("Pusher", "pushed_model").custom_properties
        if not pushed["pushed"].int_value:
            self._print("\nThe Evaluator did not bless the model: it was not pushed.")
            return False
        model = pushed["pushed_destination"].string_value
        rows = client.read_rows(pipeline.DATA / "penguins.csv", _LINES)
        answers = client.ask(model, rows)
        self._print("\nThe pushed model on rows of penguins.csv")
        self._table(
            ["line", "row", "species", "predicted", *answers[0].probabilities],
            [
                [
                    line,
                    ",".join(row[name] for name in penguin_module.FEATURES),
                    row[penguin_module.LABEL],
                    answer.species,
                    *(f"{p:.3f}" for p in answer.probabilities.values()),
                ]
                for line, row, answer in zip(_LINES, rows, answers)
            ],
        )
        self._places["pushed model"] = model
        return True

    def places(self, log: Path) -> None:
        """Shows where to find everything that was shown before."""
        self._print("\nWhere everything is")
        places = {**self._places, "log": str(log)}
        self._table(None, [[name, short(path)] for name, path in places.items()])

    def _latest(self, component: str, output: str) -> artifacts.Artifact:
        return artifacts.latest(self._root, self._pipeline, component, output)

    def _table(
        self, header: Sequence[str] | None, rows: Sequence[Sequence[object]]
    ) -> None:
        cells = [[_text(value) for value in row] for row in rows]
        cells = [list(header), *cells] if header else cells
        widths = [max(map(len, column)) for column in zip(*cells)]
        for row in cells:
            line = "  ".join(text.ljust(width) for text, width in zip(row, widths))
            self._print(f"  {line.rstrip()}")

    def _print(self, text: str) -> None:
        print(text, file=self._terminal)


def short(path: str | Path) -> str:
    """Returns the path relative to the working directory, if it is below it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
