"""`tuner-component best --model`: the model, wherever the study is by now."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tests.conftest import Run
from tests.pipeline.test_best_model import MODULE, RANDOM, X, Y
from tests.support.project import ROOT
from tuner_component import load_study, load_tuner_results
from tuner_component.cli import best
from tuner_component.cli.main import main
from tuner_component.report.loading import own_directory


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command does to its process stays in the test."""
    monkeypatch.setattr(best, "quieten", lambda stream: None)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def searched(run: Run) -> Run:
    """A search of Keras models, as a pipeline's Tuner leaves it."""
    run.module(MODULE.replace("TUNER", RANDOM))()
    return run


def loss_of(directory: Path) -> float:
    loss: float = keras.models.load_model(directory / "model.keras").evaluate(
        X, Y, verbose=0
    )
    return loss


@pytest.mark.slow
def test_model_is_that_of_the_best_trial_after_a_move(
    searched: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study that was copied to another machine would be worth nothing there."""
    score = load_tuner_results(searched.tuner_results_dir)[0].score
    moved = searched.root.with_name("moved")
    shutil.move(searched.root, moved)
    target = moved / "model"
    command = ["best", str(moved), "--format", "json", "--model", str(target)]
    capsys.readouterr()
    assert main(command) == 2
    assert "Name it where it is now: --module FILE" in capsys.readouterr().err
    assert main([*command, "--module", str(moved / "user_module.py")]) == 0
    out, err = capsys.readouterr()
    assert (
        json.loads(out)
        == load_tuner_results(moved / "tuner_results")[0].hyperparameters
    )
    assert f"Written: {target}" in err
    assert loss_of(target) == pytest.approx(score, rel=1e-4)
    # Another one takes its place, and nothing else is touched.
    assert main([*command, "--module", str(moved / "user_module.py")]) == 0
    (moved / "precious").mkdir()
    (moved / "precious" / "file").touch()
    command[-1] = str(moved / "precious")
    assert main([*command, "--module", str(moved / "user_module.py")]) == 1
    assert "holds file" in capsys.readouterr().err
    assert [path.name for path in (moved / "precious").iterdir()] == ["file"]
    assert not list(moved.glob("*.new*"))


@pytest.mark.slow
def test_another_module_is_refused(
    searched: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """The weights would be put into a model that was never trained."""
    module = searched.root / "user_module.py"
    module.write_text(module.read_text().replace('"relu"', '"tanh"'))
    command = ["best", str(searched.root), "--model", str(searched.root / "model")]
    assert main(command) == 2
    assert "these changed since the search: module" in capsys.readouterr().err
    assert main([*command, "--module", str(module)]) == 0
    assert "may be another than that of the search" in capsys.readouterr().err


@pytest.mark.slow
def test_data_that_are_gone_are_named(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The error would be one of the module's, about a file that nobody knows."""
    data = tmp_path / "data"
    shutil.copytree(run.input_dict["examples"][0].uri, data)
    run.input_dict["examples"][0].uri = str(data)
    reads = (
        "\n    import glob\n    assert glob.glob(fn_args.train_files[0]), 'no data'\n"
    )
    source = MODULE.replace("TUNER", RANDOM)
    head, tail = source.split("def tuner_fn(fn_args):\n")
    indented = reads.replace("\n    ", "\n        ")
    run.module(f"{head}def tuner_fn(fn_args):{indented}{tail}")()
    shutil.rmtree(data)
    capsys.readouterr()
    target = tmp_path / "model"
    assert main(["best", str(tmp_path), "--model", str(target)]) == 1
    err = capsys.readouterr().err
    assert "AssertionError('no data')" in err
    assert f"not there any more: {data / 'Split-eval'}, {data / 'Split-train'}" in err
    assert not target.exists()


def test_search_without_models_says_so(
    toy_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would end in a stack trace, or with an empty directory."""
    toy_run()
    capsys.readouterr()
    target = toy_run.root / "model"
    command = ["best", str(toy_run.root), "--format", "json", "--model", str(target)]
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert "x" in json.loads(out)
    assert "Received: Toy, which has no hypermodel" in err
    assert not target.exists()


def test_study_that_does_not_say_how_it_called_says_what_to_do(
    toy_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Searches of `tune`, and of earlier releases, would end in a stack trace."""
    toy_run()
    (call,) = toy_run.root.rglob("tuner_fn.json")
    command = ["best", str(toy_run.root), "--model", str(toy_run.root / "model")]
    call.write_text("{")
    assert main(command) == 2
    assert "Remove it, and run the same search once more" in capsys.readouterr().err
    call.unlink()
    assert main(command) == 2
    assert "tune(...).best_model()" in capsys.readouterr().err
    toy_run()
    assert call.exists()


def test_module_needs_a_model(toy_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """It would be ignored."""
    toy_run()
    assert main(["best", str(toy_run.root), "--module", "m.py"]) == 2
    assert "Expected --model DIR" in capsys.readouterr().err


def test_study_is_found_from_its_results(toy_run: Run) -> None:
    """`best` takes an artifact, and `best --model` would not."""
    toy_run()
    (study,) = toy_run.root.glob(".system/studies/*")
    for place in (study, toy_run.root, toy_run.tuner_results_dir):
        assert own_directory(place)[0] == str(study)
        assert load_study(place).study_id == study.name
    alone = toy_run.root.parent / "elsewhere" / "a" / "b" / "c" / "d"
    shutil.copytree(toy_run.tuner_results_dir, alone)
    with pytest.raises(FileNotFoundError, match="Name the study's own directory"):
        own_directory(alone)


@pytest.mark.slow
def test_command_prints_the_hyperparameters_alone(searched: Run) -> None:
    """A script that reads them would read what TFX or the module print."""
    target = searched.root / "model"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tuner_component", "best", searched.root),
            *("--format", "json", "--model", target),
        ],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    best = load_tuner_results(searched.tuner_results_dir)[0]
    assert json.loads(done.stdout) == best.hyperparameters
    told = done.stderr.splitlines()
    # TensorFlow 2.21 says in between that there is no GPU, whatever it is told.
    assert (told[0], told[-1]) == ("Importing TFX ...", f"Written: {target}")
    assert loss_of(target) == pytest.approx(best.score, rel=1e-4)
