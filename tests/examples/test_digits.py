"""The demo: a search that pays, and what it shows of it."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from examples.digits import data, pipeline, pipeline_local, summary
from examples.penguin import artifacts
from tests.support import penguin
from tests.support.penguin import Run
from tuner_component import load_best_hyperparameters, load_study
from tuner_component.cli import main as cli


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run, as `make demo` does it."""
    directory = tmp_path_factory.mktemp("demo")
    return penguin.run_once(directory, pipeline_local.main, "digits")


def errors(run: Run, name: str) -> int:
    """How often a model was wrong on the test split, as the terminal showed it."""
    (line,) = [li for li in run.output.splitlines() if li.startswith(f"  {name}  ")]
    return int(line.split()[-1])


@pytest.mark.slow
def test_the_search_pays(run: Run) -> None:
    """People would see that searching is for nothing."""
    guess, best = errors(run, "first guess"), errors(run, "best of the search")
    assert best < 0.6 * guess
    assert "The search: 24 trials" in run.output


@pytest.mark.slow
def test_what_is_shown_is_what_the_models_say(run: Run) -> None:
    """The numbers would be those of another model, or of nothing."""
    images, digits = data.read(run.root / "data", "test")
    examples = tf.constant([data.serialized(image) for image in images])
    loaded = tf.saved_model.load(str(run.place("pushed model")))
    said = loaded.signatures["serving_default"](examples=examples)["digit"].numpy()
    assert errors(run, "best of the search") == np.sum(said != digits)


@pytest.mark.slow
def test_the_best_trial_was_trained_with(run: Run) -> None:
    """The model would not be that of the search."""
    uri = artifacts.latest(run.root, pipeline.NAME, "Tuner", "best_hyperparameters").uri
    best = load_best_hyperparameters(uri)
    model = str(run.place("pushed model") / "variables" / "variables")
    shapes = [tuple(shape) for _, shape in tf.train.list_variables(model)]
    assert any(len(s) == 2 and s[-1] == best.get("units") for s in shapes)
    study = load_study(run.place("report of the search").parent)
    assert study.best is not None
    assert study.best.hyperparameters == best.values
    assert any(trial.stopped for trial in study.trials), "ASHA stopped none"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["status", "best"])
def test_shown_commands_work(
    run: Run, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first thing that a newcomer types would be an error."""
    (line,) = [li for li in run.output.splitlines() if f"component {command} " in li]
    _, typed = line.split("tuner-component ")
    assert cli.main(shlex.split(typed)) == 0
    assert capsys.readouterr().out


@pytest.mark.slow
def test_shown_log_directory_has_the_curves(run: Run) -> None:
    """TensorBoard would show nothing."""
    (line,) = [li for li in run.output.splitlines() if "tensorboard --logdir" in li]
    directory = Path(line.split()[-1])
    assert len(list(directory.glob("**/*tfevents*"))) >= 24


@pytest.mark.slow
def test_the_output_fits_a_terminal(run: Run) -> None:
    """Pictures would fall apart, and results scroll away."""
    lines = run.output.splitlines()
    assert len(lines) < 50
    drawn = lines[next(i for i, li in enumerate(lines) if "differ" in li) :][:10]
    assert max(map(len, drawn)) <= 80


def test_data_are_written_once(tmp_path: Path) -> None:
    """A second run would see new files, and search again for what is known."""
    data.write(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*/*")}
    assert data.write(tmp_path) == tmp_path
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("*/*")} == before
    assert {p.parent.name: p.name for p in before} == dict.fromkeys(
        data.SPLITS, "digits.tfrecord"
    )


def test_splits_share_no_image(tmp_path: Path) -> None:
    """The errors on the test split would be those on known images."""
    data.write(tmp_path)
    seen = [data.read(tmp_path, split)[0] for split in data.SPLITS]
    assert [len(images) for images in seen] == list(data.SPLITS.values())
    assert len(np.unique(np.concatenate(seen), axis=0)) == sum(data.SPLITS.values())


def test_pictures_stand_beside_each_other() -> None:
    """A newcomer would see noise."""
    images = np.zeros((2, 64), np.float32)
    images[0, 0] = images[1, -1] = 16
    drawn = summary._drawn(images, ["3: 5, 3", "7: 1, 7"]).splitlines()
    assert drawn[0] == "  @@"
    assert drawn[7] == " " * 34 + "@@"
    assert drawn[8] == "  3: 5, 3           7: 1, 7"
