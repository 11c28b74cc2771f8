"""Reading what a search published, in `run_fn` and in notebooks.

Works on the artifacts of this component and on those of TFX's own Tuner, and on files
that a person has edited: everything is parsed as data, and checked.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tuner_component.documents import decoding
from tuner_component.documents.decoding import DecodingError
from tuner_component.results import cross_check

if TYPE_CHECKING:
    import keras_tuner

BEST_HYPERPARAMETERS_FILE = "best_hyperparameters.txt"
TUNER_RESULTS_FILE = "tuner_results.json"

# Where the file is in the output of `tuner-component tune`.
_PUBLISHED = {
    BEST_HYPERPARAMETERS_FILE: "best_hyperparameters",
    TUNER_RESULTS_FILE: "results",
}
# Trials in one message.
_NAMED = 10
_log = logging.getLogger(__name__)

_REMEDY = "Correct the file there, or copy it again from where the Tuner wrote it."

# The columns of a table of trials that are the trial's own. Stock's Tuner lets a
# hyperparameter of such a name overwrite them.
_OWN_COLUMNS = ("trial_id", "score")
_PREFIX = "hp."
_TAKEN = re.compile(rf"({re.escape(_PREFIX)})*({'|'.join(_OWN_COLUMNS)})")

_T = TypeVar("_T")
_Rows = list[dict[str, Any]]


class _Row(msgspec.Struct):
    """What each trial in a table of results has, besides its hyperparameters."""

    trial_id: str | int
    score: float


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
            it, of the one that `tuner-component tune` wrote to, or its parsed content.
            Paths with a scheme (`gs://...`) are read through TensorFlow.

    Returns:
        The search space with the best values; `hp.get(name)` or `hp.values` gives
        them, and a `hypermodel.build(hp)` uses them.

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If it cannot be read.
        ValueError: If the content is not hyperparameters: empty, truncated, not
            JSON, of an unknown type, or with a value out of its range.
    """
    # KerasTuner brings Keras and its backend along, which the table of trials needs not.
    from tuner_component.results import hyperparameters

    if isinstance(source, Mapping):
        return hyperparameters.from_config(source, "the given configuration")
    if source is None:
        raise ValueError(
            "Expected hyperparameters. Received: None. Connect the Trainer's "
            "hyperparameters to the Tuner's best_hyperparameters, or to an importer."
        )
    path = _file(source, BEST_HYPERPARAMETERS_FILE)
    content = _decoded(path, object, "hyperparameters")
    return hyperparameters.from_config(content, path)


def load_tuner_results(source: str | os.PathLike[str]) -> list[TrialResult]:
    """Loads the completed trials of a search, the best one first.

    Args:
        source: The path of a `tuner_results.json`, or of the directory (a
            TunerResults artifact's URI) that holds it, or of the one that
            `tuner-component tune` wrote to.

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If it cannot be read.
        ValueError: If the content is not a list of trials.
    """
    path = _file(source, TUNER_RESULTS_FILE)
    trials = [_trial(row, path) for row in _decoded(path, _Rows, "a list of trials")]
    _compare(trials, path)
    return trials


def _compare(trials: list[TrialResult], path: str) -> None:
    """Warns if the record beside a table says something else."""
    record = os.path.join(os.path.dirname(path), cross_check.RECORD_FILE)
    try:
        content = _content(record)
    except OSError:  # Stock's Tuner publishes none.
        return
    rows = {trial.trial_id: (trial.score, trial.hyperparameters) for trial in trials}
    differing = cross_check.differing(rows, content)
    if differing:
        _log.warning(
            "%s was changed since it was written: %s beside it has other values of the "
            "trials %s%s. The values of the former are used; load_study reads the latter.",
            path,
            cross_check.RECORD_FILE,
            ", ".join(differing[:_NAMED]),
            ", ..." if len(differing) > _NAMED else "",
        )


def _trial(row: dict[str, Any], path: str) -> TrialResult:
    try:
        known = decoding.check(row, _Row)
    except DecodingError as error:
        raise ValueError(
            f"Expected each trial in {path} to have a 'trial_id' and a 'score', which is "
            f"a finite number. Received: {error}, in {_short(row)}. {_REMEDY}"
        ) from error
    if not math.isfinite(known.score):
        raise ValueError(
            f"Expected the score of trial {known.trial_id!r} in {path} to be a finite "
            f"number. Received: {known.score!r}. {_REMEDY}"
        )
    values = {
        _name_of(column): value
        for column, value in row.items()
        if column not in _OWN_COLUMNS
    }
    return TrialResult(str(known.trial_id), known.score, values)


def _name_of(column: str) -> str:
    """The hyperparameter that a column is of: the inverse of `column_of`."""
    return column.removeprefix(_PREFIX) if _TAKEN.fullmatch(column) else column


def _file(source: str | os.PathLike[str], name: str) -> str:
    """Returns the path of the file that `source` names or holds."""
    path = os.fspath(source).removeprefix("file://")
    if not _is_directory(path):
        return path
    own = os.path.join(path, name)
    published = os.path.join(path, _PUBLISHED[name], name)
    return published if not _exists(own) and _exists(published) else own


def _decoded(path: str, kind: type[_T], what: str) -> _T:
    try:
        return decoding.decode(_content(path), kind)
    except DecodingError as error:
        raise ValueError(
            f"Expected {path} to hold JSON: {what}. Received: {error}. {_REMEDY}"
        ) from error


def _is_directory(path: str) -> bool:
    if "://" in path:
        return bool(_gfile().isdir(path))
    return os.path.isdir(path)


def _exists(path: str) -> bool:
    return bool(_gfile().exists(path)) if "://" in path else os.path.exists(path)


def _content(path: str) -> bytes:
    if "://" not in path:
        try:
            with open(path, "rb") as local:
                return local.read()
        except FileNotFoundError:
            raise _not_found(path) from None
        except OSError as error:
            raise OSError(
                f"Expected a file that can be read at {path}. Received: {error}. Put the "
                "file there, and make it readable for this user."
            ) from error
    if not _gfile().exists(path):
        raise _not_found(path)
    with _gfile().GFile(path, "rb") as remote:
        data: bytes = remote.read()
        return data


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
