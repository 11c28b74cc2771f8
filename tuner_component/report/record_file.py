"""The record of a study as a file: `study.json` in the TunerResults artifact.

docs/results.md describes it. What is written by people, damaged or of a newer version is told
from a record here.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, TypeVar

from tuner_component.documents import decoding, seal
from tuner_component.documents.decoding import DecodingError
from tuner_component.search.storage import plain

KIND = "tuner_component.study"
VERSION = 1

_COMPLETED = "COMPLETED"
_T = TypeVar("_T", bound=Any)


def text_of(study: Any) -> str:
    """A record as the text of a `study.json`.

    Args:
        study: A `StudyRecord`.
    """
    content = {"kind": KIND, "version": VERSION, **_fields(study)}
    content["objective"] = study.objective and _fields(study.objective)
    content["objectives"] = [_fields(one) for one in study.objectives]
    for name, trials in (("trials", study.trials), ("reruns", study.reruns)):
        content[name] = [_trial_fields(trial) for trial in trials]
    content["prospect"] = study.prospect and _fields(study.prospect)
    content["extensions"] = [_fields(one) for one in study.extensions]
    content["requests"] = [_fields(one) for one in study.requests]
    content["confirmation"] = study.confirmation and _confirmation(study.confirmation)
    return json.dumps(seal.sealed(plain.encode(content)))


def parsed(text: str | bytes, source: str, kind: type[_T]) -> _T:
    """Reads the text of a `study.json`.

    Args:
        text: The file's content.
        source: Where it comes from, for messages.
        kind: `StudyRecord`.

    Raises:
        ValueError: If it is no record, or one of a newer version.
    """
    data = text.encode() if isinstance(text, str) else text
    try:
        content = decoding.decode(data, dict[str, Any])
        if content.get("kind") != KIND:
            raise DecodingError("JSON of something else")
        _check_version(content.get("version"))
        if not seal.is_intact(content):
            raise DecodingError(
                "one that was changed since it was written, by the checksum in it; "
                f"if that was meant, remove its field {seal.FIELD!r}"
            )
        return _checked(decoding.check(_plain(content), kind))
    except DecodingError as error:
        raise _unreadable(source, str(error)) from error


def is_finite(score: float | None) -> bool:
    """Whether there is a score, and it can be compared."""
    return score is not None and math.isfinite(score)


def _check_version(version: object) -> None:
    if type(version) is not int or version != VERSION:
        raise DecodingError(
            f"version {version}; upgrade tfx-tuner-component to read it"
        )


def _plain(content: dict[str, Any]) -> Any:
    try:
        return plain.decode(content)
    except (TypeError, ValueError) as error:  # Of what only looks like a number, a set.
        raise DecodingError(f"wrong content: {error}") from error


def _checked(study: _T) -> _T:
    """What types do not say of a record: a completed trial has a score to compare."""
    for trial in study.with_status(_COMPLETED):
        if not is_finite(trial.score):
            raise DecodingError(
                f"the score {trial.score} of the completed trial {trial.trial_id!r}"
            )
    known = {trial.trial_id: trial for trial in study.with_status(_COMPLETED)}
    names = [one.name for one in study.objectives]
    for trial_id in study.front:
        metrics = known[trial_id].metrics if trial_id in known else {}
        if not names or not all(is_finite(metrics.get(name)) for name in names):
            raise DecodingError(f"a front with {trial_id!r}, which has no such point")
    try:
        study.goals  # noqa: B018 - its constraints are read.
    except ValueError as error:
        raise DecodingError(f"wrong content: {error}") from error
    return study


def _fields(record: Any) -> dict[str, Any]:
    return {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}


def _trial_fields(trial: Any) -> dict[str, Any]:
    return {
        **_fields(trial),
        "executions": list(trial.executions),
        "attempts": [_fields(attempt) for attempt in trial.attempts],
        "stopped": trial.stopped and _fields(trial.stopped),
    }


def _confirmation(found: Any) -> dict[str, Any]:
    return {**_fields(found), "trials": [_fields(trial) for trial in found.trials]}


def _unreadable(source: str, received: str) -> ValueError:
    return ValueError(
        f"Expected {source} to hold a study's record of version {VERSION} or older. "
        f"Received: {received}. Name the TunerResults artifact of this component, or "
        "the directory of a study."
    )
