"""Splits that hold data are told from those that hold none, whatever is in them."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Run
from tuner_component.pipeline import fn_args


def resolved(run: Run, root: Path, evaluation: Mapping[str, bytes]) -> list[str]:
    """Resolves the examples with these files in the split to evaluate on."""
    files = {"Split-train/data": b"x"}
    files |= {f"Split-eval/{name}": data for name, data in evaluation.items()}
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    run.input_dict["examples"][0].uri = str(root)
    message = fn_args.from_artifacts(run.input_dict, run.exec_properties, "/working")
    assert list(message.train_files) == [f"{root}/Split-train/*"]
    return list(message.eval_files)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"data.gz": b""},
        {"data.gz": gzip.compress(b"")},
        {"cats/1.png": b"", "dogs/2.png": b""},
    ],
)
def test_empty_split_is_warned_of(
    run: Run,
    tmp_path: Path,
    files: Mapping[str, bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """People would look for the reason of a dataset without elements in their code.

    Not refused: a module that never reads its files runs with the stock Tuner.
    """
    resolved(run, tmp_path, files)
    [warning] = [text for text in caplog.messages if "at least one example" in text]
    assert "['eval']. Received: " in warning and f"{tmp_path}/Split-eval/*" in warning


@pytest.mark.parametrize(
    "files",
    [
        {"cats/1.png": b"png", "dogs/2.png": b"png"},
        {"day=1/hour=2/data.gz": gzip.compress(b"record")},
        {"data": b"record", "_SUCCESS": b""},
        {"torn.gz": gzip.compress(b"record")[:12]},
    ],
)
def test_whatever_tuner_fn_can_read_is_data(
    run: Run,
    tmp_path: Path,
    files: Mapping[str, bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A folder for each class, or a partition, would end the search before it begins."""
    assert resolved(run, tmp_path, files) == [f"{tmp_path}/Split-eval/*"]
    assert "at least one example" not in caplog.text
