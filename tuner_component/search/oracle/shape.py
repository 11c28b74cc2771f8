"""What shapes a search in the tuner that the user's code makes, and whether it changed.

A study's fingerprint knows the user's sources. What else decides over a search space (a
library, a file, an environment variable) shows here, when the study is opened again.
"""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

import keras_tuner

from tuner_component.search.storage import plain
from tuner_component.search.study.history import History
from tuner_component.search.study.study import Study

# Arguments of oracles that are told apart from the others, or that only say how to run
# the search.
_NOT_ARGUMENTS = {
    "hyperparameters",
    "max_consecutive_failed_trials",
    "max_retries_per_trial",
    "max_trials",
    "objective",
    "seed",
    "self",
}
_PLAIN = (bool, int, float, str, type(None))
# Data may say how wide a range is, and sums depend on their order.
_DIGITS = 9


def shape_of(oracle: keras_tuner.Oracle) -> dict[str, Any]:
    """Describes an oracle, as plain data for the journal.

    Args:
        oracle: As its constructor, and the tuner's, left it.
    """
    cls, space = type(oracle), oracle.get_space().get_config()["space"]
    return {
        "oracle": f"{cls.__module__}.{cls.__qualname__}",
        "objective": str(oracle.objective),
        "objective_name": oracle.objective.name,
        "direction": oracle.objective.direction,
        "max_trials": oracle.max_trials,
        "arguments": _plain(dict(_arguments(oracle))),
        "initial_space": dict(map(_hyperparameter, _plain(space))),
    }


def explain_change(
    now: Mapping[str, Any], history: History, study: Study
) -> str | None:
    """Says how a tuner differs from the one that a study was started with.

    That is no error: the space that a machine with less memory offers may be smaller,
    and more trials may be wanted.

    Args:
        now: What `shape_of` says of the tuner's oracle today.
        history: What happened in the study.
        study: The study.

    Returns:
        Sentences that name what changed; None if nothing did, as far as the journal tells.
    """
    then = history.opened or {}
    changed = list(
        _changes("hyperparameter ", then.get("initial_space"), now["initial_space"])
    )
    goes_on = "goes on" + " in the space that it was started with" * bool(changed)
    arguments = (_each(shape.get("arguments")) for shape in (then, now))
    changed += _changes("", *arguments)
    longer = history.falls_short_of(now["max_trials"])  # That is asked for, and said.
    if then and not longer and history.max_trials != now["max_trials"]:
        was, by_now = history.max_trials, now["max_trials"]
        told = f"was {was}, is {by_now}; an argument may have told it before"
        changed.append(f"max_trials ({told})")
        goes_on += f", to {now['max_trials']} trials"
    if not changed:
        return None
    over = study.is_finished or study.search_is_over or history.plan
    if over and not longer:
        goes_on = "is finished, and stays as it is"
    return (
        "Expected the tuner that this study was started with. Received: one that differs "
        f"in {'; '.join(changed)}. Nothing that the study's fingerprint covers has "
        "changed: look for a file, an environment variable, the machine or a library "
        f"that decides over it. The search {goes_on}. To search anew, remove "
        f"{study.directory} or choose another study_dir."
    )


def _arguments(oracle: keras_tuner.Oracle) -> Iterator[tuple[str, Any]]:
    """Arguments of the constructor that the oracle keeps under their names."""
    classes = [vars(cls) for cls in type(oracle).__mro__]
    initializers = [names["__init__"] for names in classes if "__init__" in names]
    names = {n for init in initializers for n in inspect.signature(init).parameters}
    for name in sorted(names - _NOT_ARGUMENTS):
        for attribute in (name, f"_{name}"):
            value = getattr(oracle, attribute, ...)
            if isinstance(value, _PLAIN):
                yield name, value


def _hyperparameter(entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A hyperparameter by its name, and by when it is active.

    Neither its default, which is where a search starts, nor the order of choices counts.
    """
    config = dict(entry["config"], kind=entry["class_name"])
    config.pop("default", None)
    if isinstance(config.get("values"), list):
        config["values"] = sorted(config["values"], key=json.dumps)
    name = config.pop("name")
    conditions = [
        f"{condition['config']['name']} in {condition['config']['values']}"
        for condition in config.pop("conditions", [])
    ]
    return " with ".join([name, *conditions]), config


def _plain(value: Any) -> Any:
    """The value as it comes back from the journal, with floats as far as they count."""
    return json.loads(
        json.dumps(plain.encode(value)),
        parse_float=lambda text: f"{float(text):.{_DIGITS}g}",
    )


def _each(arguments: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return arguments and {name: {"": value} for name, value in arguments.items()}


def _changes(
    what: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Iterator[str]:
    """A phrase for each thing that differs; none where the journal does not tell."""
    if old is None or new is None:
        return
    for name in sorted({*old, *new}):
        if name not in new:
            yield f"{what}{name} (removed)"
        elif name not in old:
            yield f"{what}{name} (added)"
        elif old[name] != new[name]:
            details = [
                f"{key} was {old[name].get(key)}, is {new[name].get(key)}".strip()
                for key in sorted({*old[name], *new[name]})
                if old[name].get(key) != new[name].get(key)
            ]
            yield f"{what}{name} ({'; '.join(details)})"
