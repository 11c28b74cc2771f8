"""The penguin pipelines from end to end, and what comes out of them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.orchestration.portable import cache_utils
from tfx.proto.orchestration import pipeline_pb2

from examples.penguin import artifacts, pipeline_importer, pipeline_local
from tests.support import beam
from tests.support.penguin import ROOT, Run
from tuner_component import (
    load_best_hyperparameters,
    load_study,
    load_tuner_results,
)

pytestmark = pytest.mark.slow

CSV_FILE = ROOT / "examples" / "penguin" / "data" / "penguins.csv"

# As a client elsewhere: TensorFlow, the model and raw rows, and nothing of this project.
CLIENT = """
import csv, json, sys
import tensorflow as tf

model, csv_file = sys.argv[1:]
examples = [tf.train.Example()]  # of a penguin of which nothing is known
for row in csv.DictReader(open(csv_file, newline="")):
    example = tf.train.Example()
    for name in row.keys() - {"species", "year"}:
        if row[name] != "NA" or name == "sex":  # absent, or said to be missing
            example.features.feature[name].bytes_list.value.append(row[name].encode())
    examples.append(example)
serve = tf.saved_model.load(model).signatures["serving_default"]
outputs = serve(examples=tf.constant([e.SerializeToString() for e in examples]))
ours = [name for name in sys.modules if name.split(".")[0] in (
    "examples", "penguin_module", "tuner_component", "tfx", "keras_tuner")]
print(json.dumps({
    "species": [name.decode() for name in outputs["species"].numpy()],
    "probabilities": outputs["probabilities"].numpy().tolist(),
    "ours": ours,
}))
"""


@pytest.fixture(scope="module", autouse=True)
def _quick_beam() -> None:
    """Pipelines run in this process, too."""
    beam.quicken()


@pytest.fixture(scope="module")
def answers(
    tuned: Run, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Any]]:
    """What the pushed model says of nothing, and of all rows of the CSV."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", CLIENT),
            *(str(tuned.place("pushed model")), str(CSV_FILE)),
        ],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.on_demand
def test_the_pushed_model_needs_tensorflow_only(answers: dict[str, list[Any]]) -> None:
    """Else it could not be served."""
    assert answers["ours"] == []


def test_the_pushed_model_recognizes_raw_rows(answers: dict[str, list[Any]]) -> None:
    """Else something is lost between tuning and serving. (44 % are Adelie.)"""
    with open(CSV_FILE, newline="") as file:
        truth = [row["species"] for row in csv.DictReader(file)]
    right = [a == b for a, b in zip(answers["species"][1:], truth, strict=True)]
    assert sum(right) / len(right) > 0.9


def test_the_pushed_model_answers_for_an_unknown_penguin(
    answers: dict[str, list[Any]],
) -> None:
    """Else a missing value would end as NaN, or as an error at the client."""
    assert sum(answers["probabilities"][0]) == pytest.approx(1, abs=1e-5)


def test_artifacts_of_the_tuner_are_what_trainer_and_people_read(tuned: Run) -> None:
    """Else the Trainer would take the wrong file, or notebooks find nothing."""
    best = tuned.place("best hyperparameters")
    assert [path.name for path in best.parent.iterdir()] == ["best_hyperparameters.txt"]

    results = load_tuner_results(tuned.place("all trials"))
    assert len(results) == 8
    assert [r.score for r in results] == sorted(r.score for r in results)
    assert load_best_hyperparameters(best).values == results[0].hyperparameters


def test_the_search_has_a_report_and_a_record(tuned: Run) -> None:
    """Else people would look at a table of numbers."""
    report = tuned.place("report of the search")
    assert "What mattered" in report.read_text()
    study = load_study(report.parent)
    assert study.status == "finished"
    best = load_tuner_results(tuned.place("all trials"))[0]
    assert study.best is not None and study.best.trial_id == best.trial_id
    assert len(study.best.executions[0]["val_loss"]) == study.best.epochs > 0


def test_metadata_knows_what_the_search_found(tuned: Run) -> None:
    """Else pipelines could not be compared by what their searches found."""
    best = load_tuner_results(tuned.place("all trials"))[0]
    artifact = artifacts.latest(
        tuned.root, pipeline_local.NAME, "Tuner", "tuner_results"
    )
    properties = artifact.custom_properties
    assert properties["objective"].string_value == "val_loss"
    # ML Metadata keeps six decimals.
    assert properties["best_score"].double_value == pytest.approx(best.score, abs=1e-6)
    assert properties["completed_trials"].int_value == 8


def test_the_trained_model_has_the_best_hyperparameters(tuned: Run) -> None:
    """Else the search would be for nothing."""
    best = load_best_hyperparameters(tuned.place("best hyperparameters"))
    assert _hidden_units(tuned) == [best.get("units")] * best.get("layers")


def test_the_terminal_shows_what_a_person_wants_to_know(tuned: Run) -> None:
    """Else one had to search the log and the directories."""
    lines = [line.split() for line in tuned.output.splitlines()]
    components = [line[1] for line in lines if line and line[0].endswith("/8")]
    assert components[4:] == ["Tuner", "Trainer", "Evaluator", "Pusher"]
    assert "Best 3 of 8 trials, by val_loss" in tuned.output
    assert "Accuracy on the test split (76 penguins): 9" in tuned.output
    assert ["12", "37.8,17.1,186,3300,Torgersen,NA", "Adelie", "Adelie"] in [
        line[:4] for line in lines
    ]
    assert len(tuned.output.splitlines()) < 45
    assert "Component Tuner is finished" in tuned.place("log").read_text()


def test_a_second_run_repeats_nothing(
    tuned: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    """Else running again would break, or search again for what is known."""
    assert pipeline_local.main(["--root", str(tuned.root)]) == 0
    again = Run(tuned.root, capfd.readouterr().out)
    assert again.output.count("  cached") == 8
    assert again.place("pushed model") == tuned.place("pushed model")


@pytest.fixture
def shared_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipelines share a cache: their nodes are the same up to Transform."""
    real = cache_utils.get_cache_context
    theirs, ours = f"/{pipeline_importer.NAME}/", f"/{pipeline_local.NAME}/"

    def get_cache_context(**kwargs: Any) -> Any:
        parameters = {
            key: value.replace(theirs, ours) if isinstance(value, str) else value
            for key, value in kwargs["parameters"].items()
        }
        info = pipeline_pb2.PipelineInfo(id=pipeline_local.NAME)
        return real(**{**kwargs, "pipeline_info": info, "parameters": parameters})

    monkeypatch.setattr(cache_utils, "get_cache_context", get_cache_context)


@pytest.mark.usefixtures("shared_cache")
def test_the_importer_takes_the_last_search_by_default(
    tuned: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    """Else a saved file could not replace the search."""
    assert pipeline_importer.main(["--root", str(tuned.root)]) == 0
    imported = Run(tuned.root, capfd.readouterr().out)
    assert "Tuner " not in imported.output
    assert imported.output.count("  cached") == 4
    assert _hidden_units(imported) == _hidden_units(tuned)
    assert imported.place("pushed model") != tuned.place("pushed model")


@pytest.mark.usefixtures("shared_cache")
def test_an_edit_of_the_file_reaches_the_model(
    tuned: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Else the pipeline would go on with the file that it knows."""
    config = json.loads(tuned.place("best hyperparameters").read_text())
    config["values"] |= {"layers": 1, "units": 16}
    edited = tmp_path / "mine.txt"
    edited.write_text(json.dumps(config, indent=2))

    arguments = ["--root", str(tuned.root), "--hyperparameters", str(edited)]
    assert pipeline_importer.main(arguments) == 0

    assert _hidden_units(Run(tuned.root, capfd.readouterr().out)) == [16]


def _hidden_units(finished: Run) -> list[int]:
    """Reads the sizes of the hidden layers off the pushed model's variables."""
    prefix = finished.place("pushed model") / "variables" / "variables"
    shapes = [
        shape
        for name, shape in tf.train.list_variables(str(prefix))
        if len(shape) == 2 and "optimizer" not in name
    ]
    assert shapes, "no kernels in the model"
    return [units for _, units in shapes if units != 3]
