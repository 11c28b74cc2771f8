"""Reading what a search published, in `run_fn` and in notebooks.

Works on the artifacts of this component and on those of TFX's own Tuner, and on files
that a person has edited: everything is parsed as data, and checked.
"""

import dataclasses
import json
import math
import os
import re
from collections.abc import Mapping
from typing import Any

import keras_tuner

from tuner_component.results import hyperparameters

BEST_HYPERPARAMETERS_FILE = "best_hyperparameters.txt"
TUNER_RESULTS_FILE = "tuner_results.json"

# The columns of a table of trials that are the trial's own. Stock's Tuner lets a
# hyperparameter of such a name overwrite them.
_OWN_COLUMNS = ("trial_id", "score")
_PREFIX = "hp."
_TAKEN = re.compile(rf"({re.escape(_PREFIX)})*({'|'.join(_OWN_COLUMNS)})")


def column_of(name: str) -> str:
    """The column of a hyperparameter in a `tuner_results.json`.

    Its name, but `hp.score` for "score", so that the trial's own score keeps its place.

    Args:
        name: Of the hyperparameter.
    """
    # What looks like such a column is renamed as well: no two get the same one.
    return _PREFIX + name if _TAKEN.fullmatch(name) else name


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """A completed trial.

    Attributes:
        trial_id: The trial's name in its study.
        score: The value of the objective.
        hyperparameters: Their values by name.
    """

    trial_id: str
    score: float
    hyperparameters: Mapping[str, Any]


def load_best_hyperparameters(
    source: str | os.PathLike[str] | Mapping[str, Any],
) -> keras_tuner.HyperParameters:
    """Loads hyperparameters and checks them against the space that they name.

    In `run_fn`, pass `fn_args.hyperparameters`; elsewhere, the artifact's URI or the
    path of its file.

    Args:
        source: The path of a `best_hyperparameters.txt`, of the directory that holds
            it, or its parsed content. Paths with a scheme (`gs://...`) are read
            through TensorFlow.

    Returns:
        The search space with the best values; `hp.get(name)` or `hp.values` gives
        them, and a `hypermodel.build(hp)` uses them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the content is not hyperparameters: empty, truncated, not
            JSON, of an unknown type, or with a value out of its range.
    """
    if isinstance(source, Mapping):
        return hyperparameters.from_config(source, "the given configuration")
    if source is None:
        raise ValueError(
            "Expected hyperparameters. Received: None. Connect the Trainer's "
            "hyperparameters to the Tuner's best_hyperparameters, or to an importer."
        )
    path = _file(source, BEST_HYPERPARAMETERS_FILE)
    return hyperparameters.from_config(_parsed(path), path)


def load_tuner_results(source: str | os.PathLike[str]) -> list[TrialResult]:
    """Loads the completed trials of a search, the best one first.

    Args:
        source: The path of a `tuner_results.json`, or of the directory (a
            TunerResults artifact's URI) that holds it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the content is not a list of trials.
    """
    path = _file(source, TUNER_RESULTS_FILE)
    rows = _parsed(path)
    if not isinstance(rows, list):
        raise ValueError(
            f"Expected {path} to hold a list of trials. Received: {_short(rows)}. "
            f"Name the {TUNER_RESULTS_FILE} of a TunerResults artifact."
        )
    return [_trial(row, path) for row in rows]


def _trial(row: Any, path: str) -> TrialResult:
    if not (isinstance(row, dict) and {"trial_id", "score"} <= row.keys()):
        raise ValueError(
            f"Expected each trial in {path} to have a 'trial_id' and a 'score'. "
            f"Received: {_short(row)}."
        )
    trial_id, score = row["trial_id"], row["score"]
    values = {
        _name_of(column): value
        for column, value in row.items()
        if column not in _OWN_COLUMNS
    }
    if (
        isinstance(score, bool)
        or not isinstance(score, (int, float))
        or not math.isfinite(score)
    ):
        raise ValueError(
            f"Expected the score of trial {trial_id!r} in {path} to be a finite "
            f"number. Received: {score!r}."
        )
    return TrialResult(str(trial_id), float(score), values)


def _name_of(column: str) -> str:
    """The hyperparameter that a column is of: the inverse of `column_of`."""
    return column.removeprefix(_PREFIX) if _TAKEN.fullmatch(column) else column


def _file(source: str | os.PathLike[str], name: str) -> str:
    """Returns the path of the file that `source` names or holds."""
    path = os.fspath(source).removeprefix("file://")
    return os.path.join(path, name) if _is_directory(path) else path


def _parsed(path: str) -> Any:
    text = _text(path)
    if not text.strip():
        raise ValueError(
            f"Expected {path} to hold JSON. Received: an empty file. Write it again "
            "with the Tuner, or restore it from where it was copied."
        )
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        what = "truncated JSON" if error.pos >= len(text.rstrip()) else "not JSON"
        raise ValueError(
            f"Expected {path} to hold JSON. Received: {what} (line {error.lineno}, "
            f"column {error.colno}: {error.msg}). Correct the file there, or copy it "
            "again."
        ) from error


def _is_directory(path: str) -> bool:
    if "://" in path:
        return bool(_gfile().isdir(path))
    return os.path.isdir(path)


def _text(path: str) -> str:
    if "://" not in path:
        try:
            with open(path, "rb") as local:
                data = local.read()
        except FileNotFoundError:
            raise _not_found(path) from None
    elif not _gfile().exists(path):
        raise _not_found(path)
    else:
        with _gfile().GFile(path, "rb") as remote:
            data = remote.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"Expected {path} to hold JSON. Received: bytes that are not UTF-8 text "
            f"({error}). Name the file that the Tuner wrote."
        ) from error


def _not_found(path: str) -> FileNotFoundError:
    return FileNotFoundError(
        f"Expected a file or an artifact's directory at {path}. Received: nothing "
        "there. Check the path, and that the Tuner has run."
    )


def _gfile() -> Any:
    # Only paths with a scheme need TensorFlow's filesystems.
    from tensorflow import io

    return io.gfile


def _short(value: Any, length: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}..."
