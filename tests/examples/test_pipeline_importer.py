"""What the importer's pipeline does with the file before it runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras_tuner
import pytest

from examples.penguin import pipeline_importer, pipeline_local
from tuner_component import load_best_hyperparameters


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file as a person keeps it: under another name, and not alone."""
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 64, step=8)
    directory = tmp_path / "mine"
    directory.mkdir()
    (directory / "notes.txt").write_text("of March\n")
    (directory / "best.json").write_text(json.dumps(hp.get_config(), indent=2))
    return directory / "best.json"


def test_a_file_is_alone_where_it_is_imported_from(file: Path, tmp_path: Path) -> None:
    """Else the Trainer would find several files and refuse them."""
    directory = Path(pipeline_importer.prepared(str(file), tmp_path / "root"))
    (copy,) = directory.iterdir()
    assert load_best_hyperparameters(copy).values == {"units": 8}
    assert directory.is_relative_to(tmp_path / "root")


def test_only_an_edited_file_is_a_new_artifact(file: Path, tmp_path: Path) -> None:
    """Else an edit would be answered from the cache, or every run would train."""
    first = pipeline_importer.prepared(str(file), tmp_path)
    assert pipeline_importer.prepared(str(file), tmp_path) == first

    config = json.loads(file.read_text())
    config["values"]["units"] = 16
    file.write_text(json.dumps(config))
    second = pipeline_importer.prepared(str(file), tmp_path)

    assert second != first
    assert load_best_hyperparameters(second).get("units") == 16
    # What earlier models were trained with stays on record.
    assert load_best_hyperparameters(first).get("units") == 8


def _out_of_range(text: str) -> str:
    return text.replace('"units": 8', '"units": 1000')


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:100], r"Refused. Expected .*best.json to hold JSON"),
        (_out_of_range, r"Refused. Expected .*'units'.* Received: 1000"),
    ],
    ids=["truncated", "out of range"],
)
def test_a_broken_file_is_refused_before_anything_runs(
    file: Path, tmp_path: Path, damage: Callable[[str], str], message: str
) -> None:
    """Else it would be found out by the Trainer, deep in a traceback."""
    file.write_text(damage(file.read_text()))
    root = tmp_path / "root"
    with pytest.raises(SystemExit, match=message):
        pipeline_importer.main(["--root", str(root), "--hyperparameters", str(file)])
    assert [path.name for path in root.iterdir()] == ["penguin-importer.log"]


def test_without_a_search_to_import_from_it_says_so(tmp_path: Path) -> None:
    """Else a new user would meet an error of the database."""
    with pytest.raises(SystemExit, match=f"'{pipeline_local.NAME}'.*Run that pipeline"):
        pipeline_importer.main(["--root", str(tmp_path)])
