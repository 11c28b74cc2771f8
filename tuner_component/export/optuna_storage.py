"""A study as one of Optuna's, in a storage that optuna-dashboard opens."""

import datetime
import json
import math
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import optuna

from tuner_component.report.record import (
    COMPLETED,
    FAILED,
    StudyRecord,
    TrialRecord,
)
from tuner_component.search.storage import plain
from tuner_component.search.study import times

_JOURNAL, _SQLITE = "journal:", "sqlite://"
# By it a trial is known again.
_TRIAL = "trial_id"
_PLAIN = (bool, int, float, str, type(None))


def export(study: StudyRecord, target: str) -> int:
    """Adds the trials that have ended to a study of Optuna's, which has the study's id.

    A trial that is there already stays as it is, so that a search that runs can be
    exported again and again.

    Args:
        study: The study.
        target: A URL of a database, such as "sqlite:///x.db", or "journal:PATH".

    Returns:
        How many trials were added.

    Raises:
        ValueError: If it is no storage, or cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    theirs = _opened(study, target)
    there = theirs.get_trials(deepcopy=False)
    known = {trial.user_attrs.get(_TRIAL) for trial in there}
    distributions = _as_before(_distributions(study), there)
    new = [
        _trial(study, trial, distributions)
        for trial in study.trials
        if trial.status in (COMPLETED, FAILED) and trial.trial_id not in known
    ]
    theirs.add_trials(new)
    return len(new)


def _opened(study: StudyRecord, target: str) -> optuna.Study:
    objectives = study.objectives or ([study.objective] if study.objective else [])
    ways = optuna.study.StudyDirection
    directions = {"min": ways.MINIMIZE, "max": ways.MAXIMIZE}
    try:
        theirs = optuna.create_study(
            storage=_storage(target),
            study_name=study.study_id,
            directions=[directions[one.direction] for one in objectives] or None,
            load_if_exists=True,
        )
    except Exception as error:
        raise ValueError(
            "Expected a URL of a database, such as sqlite:///x.db, or journal:PATH, that "
            f"can be opened and written. Received: {target} ({error}). See the "
            "documentation of Optuna's storages."
        ) from error
    if objectives:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It is experimental.
            theirs.set_metric_names([one.name for one in objectives])
    theirs.set_user_attr("oracle", study.oracle)
    return theirs


class _Quick(sqlite3.Connection):
    """Leaves it to the system when the disk has what was written.

    Optuna writes each value of each epoch by itself, and waiting for the disk every time
    takes most of the time. What is written here is a copy: it can be written again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA synchronous=OFF")


def _storage(target: str) -> Any:
    if target.startswith(_SQLITE):
        how = {"connect_args": {"factory": _Quick}}
        return optuna.storages.RDBStorage(target, engine_kwargs=how)
    if not target.startswith(_JOURNAL):
        return target
    from optuna.storages import journal

    backend = journal.JournalFileBackend(target.removeprefix(_JOURNAL))
    return optuna.storages.JournalStorage(backend)


def _trial(
    study: StudyRecord, trial: TrialRecord, distributions: Mapping[str, Any]
) -> Any:
    values = _values(study, trial)
    states = optuna.trial.TrialState
    params = {
        name: _param(value, distributions[name])
        for name, value in trial.hyperparameters.items()
        if name in distributions and _fits(value, distributions[name])
    }
    found = optuna.trial.create_trial(
        state=states.FAIL if values is None else states.COMPLETE,
        values=values,
        params=params,
        distributions={name: distributions[name] for name in params},
        user_attrs=_attributes(trial, params),
        intermediate_values=dict(_curve(study, trial)),
    )
    found.datetime_start = _time(trial.started) or found.datetime_start
    found.datetime_complete = _time(trial.ended) or found.datetime_complete
    return found


def _values(study: StudyRecord, trial: TrialRecord) -> list[float] | None:
    """The values of the objectives; None if there are not all of them."""
    if trial.status != COMPLETED or trial.score is None:
        return None
    if not study.objectives:
        return [trial.score]
    values = [trial.metrics.get(one.name) for one in study.objectives]
    known = [v for v in values if v is not None and math.isfinite(v)]
    return known if len(known) == len(values) else None


def _curve(study: StudyRecord, trial: TrialRecord) -> Iterator[tuple[int, float]]:
    """The objective after each epoch of the first training, where there is but one."""
    if study.objective is None or study.objectives or not trial.executions:
        return
    for epoch, value in enumerate(trial.executions[0].get(study.objective.name, ())):
        if value is not None and math.isfinite(value):
            yield epoch, value


def _attributes(trial: TrialRecord, params: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {_TRIAL: trial.trial_id}
    told |= {f"metric {name}": value for name, value in trial.metrics.items()}
    told |= {
        f"value {name}": value
        for name, value in trial.hyperparameters.items()
        if name not in params
    }
    more = {"worker": trial.worker, "node": trial.node, "seed": trial.seed}
    more |= {"cause": trial.cause, "message": trial.message}
    if trial.stopped is not None:
        more["stopped"] = trial.stopped.rule
    told |= {name: value for name, value in more.items() if value is not None}
    # As study.json has it: what JSON has no word for, and any object.
    content: dict[str, Any] = json.loads(json.dumps(plain.encode(told), default=str))
    return content


def _time(seconds: float | None) -> datetime.datetime | None:
    """In the zone of this machine and without its name, as Optuna has times."""
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(times.in_calendar(seconds))


def _distributions(study: StudyRecord) -> dict[str, Any]:
    """One distribution for each hyperparameter of any space of the study.

    Optuna wants the same one in all trials, where KerasTuner may have several of one name,
    each under a condition of its own.
    """
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for space in study.spaces.values():
        for entry in space:
            entries.setdefault(entry["config"]["name"], []).append(entry)
    values: dict[str, list[Any]] = {}
    for trial in study.trials:
        for name, value in trial.hyperparameters.items():
            values.setdefault(name, []).append(value)
    return {
        name: _distribution(entries[name], values[name])
        for name in values
        if name in entries
    }


def _as_before(found: Mapping[str, Any], there: Sequence[Any]) -> dict[str, Any]:
    """Distributions, in place of those that Optuna does not take beside earlier ones.

    The space of a search may have grown or changed since its first trials were brought.
    """
    before = {name: one for trial in there for name, one in trial.distributions.items()}
    distributions = dict(found)
    for name in found.keys() & before.keys():
        try:
            optuna.distributions.check_distribution_compatibility(
                before[name], found[name]
            )
        except ValueError:
            distributions[name] = before[name]
    return distributions


def _distribution(entries: Sequence[Mapping[str, Any]], values: Sequence[Any]) -> Any:
    kinds = {entry["class_name"] for entry in entries}
    configs = [entry["config"] for entry in entries]
    if kinds <= {"Int", "Float"} and all(map(_is_number, values)):
        low = min([*values, *(c["min_value"] for c in configs)])
        high = max([*values, *(c["max_value"] for c in configs)])
        log = low > 0 and {c.get("sampling") for c in configs} == {"log"}
        if kinds == {"Int"} and all(isinstance(value, int) for value in values):
            return optuna.distributions.IntDistribution(int(low), int(high), log=log)
        return optuna.distributions.FloatDistribution(low, high, log=log)
    known = [value for config in configs for value in _choices(config)]
    choices = {repr(_choice(v)): _choice(v) for v in [*known, *values]}
    if len(set(choices.values())) < len(choices):  # 1 and True are the same to Optuna.
        return optuna.distributions.CategoricalDistribution(list(choices))
    return optuna.distributions.CategoricalDistribution(list(choices.values()))


def _choices(config: Mapping[str, Any]) -> Sequence[Any]:
    if "values" in config:
        return list(config["values"])
    return [config["value"]] if "value" in config else []


def _is_number(value: Any) -> bool:
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_one and math.isfinite(value)


def _choice(value: Any) -> Any:
    return value if isinstance(value, _PLAIN) else repr(value)


def _fits(value: Any, distribution: Any) -> bool:
    """Whether a distribution has a value. One from before the space changed may not."""
    if isinstance(distribution, optuna.distributions.CategoricalDistribution):
        return _param(value, distribution) in distribution.choices
    if not _is_number(value) or not distribution.low <= value <= distribution.high:
        return False
    is_whole = isinstance(distribution, optuna.distributions.IntDistribution)
    return isinstance(value, int) or not is_whole


def _param(value: Any, distribution: Any) -> Any:
    if not isinstance(distribution, optuna.distributions.CategoricalDistribution):
        return value
    shown = _choice(value)
    same = [c for c in distribution.choices if type(c) is type(shown) and c == shown]
    return same[0] if same else repr(shown)
