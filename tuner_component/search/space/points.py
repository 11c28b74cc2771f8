"""A configuration that somebody names, as a point of a search space."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_tuner.engine import hyperparameters as hp_lib

from tuner_component.search.reserved import is_reserved
from tuner_component.search.space.dimensions import Dimension
from tuner_component.search.spelling import did_you_mean

# Of what somebody has written, in a message.
_SHOWN = 200


def active(
    space: Sequence[Dimension], values: Mapping[str, Any]
) -> Iterator[tuple[int, Dimension, Any]]:
    """The hyperparameters that are active with some values.

    Where a name occurs under several conditions, the first that holds counts.

    Args:
        space: Parents come before what depends on them.
        values: By the names of hyperparameters. What has no value has its default: a
            model that is built with a hyperparameter that nobody knew before gets that.

    Yields:
        Of each: its place in the space, itself, and its value.
    """
    known: dict[str, Any] = {}
    for place, dimension in enumerate(space):
        name = dimension.name
        if name not in known and dimension.is_active(known):
            known[name] = values.get(name, dimension.hp.default)
            yield place, dimension, known[name]


def point_of(space: Sequence[Dimension], given: Mapping[str, Any]) -> dict[str, Any]:
    """The point with some values, and with the default of each other hyperparameter.

    Args:
        space: Parents come before what depends on them.
        given: Values by the names of hyperparameters.

    Raises:
        ValueError: If there is no such point.
    """
    names = list(dict.fromkeys(dimension.name for dimension in space))
    for name in given:
        if name not in names:
            raise ValueError(
                f"Expected names of hyperparameters: {_shown(', '.join(names))}. "
                f"Received: {_shown(repr(name))}.{did_you_mean(name, names)}"
            )
    point = {one.name: _value(one, value) for _, one, value in active(space, given)}
    if idle := [name for name in given if name not in point]:
        raise ValueError(
            "Expected hyperparameters that exist with the values of the others. "
            f"Received: {_shown(', '.join(idle))}, which these values leave without "
            f"effect: {_shown(repr(point))}. Leave it out, or set what it depends on."
        )
    return point


def place_of(
    space: Sequence[Dimension], values: Mapping[str, Any]
) -> tuple[tuple[str, float | None], ...]:
    """What all trials at one point have in common, whatever else their values say."""
    # Under other conditions, what has the same name may have other values.
    return tuple(
        (one.name, one.number(value)) for _, one, value in active(space, values)
    )


def whole_budget(oracle: Any, point: Mapping[str, Any]) -> dict[str, Any]:
    """The point as Hyperband's trials have it that are trained from first to last."""
    epochs = getattr(oracle, "max_epochs", None)
    if epochs is None or not hasattr(oracle, "_brackets"):
        return dict(point)
    budget = {"epochs": epochs, "initial_epoch": 0, "bracket": 0, "round": 0}
    return {**point, **{f"tuner/{name}": value for name, value in budget.items()}}


def of_the_user(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without those that are Hyperband's own."""
    return {k: v for k, v in values.items() if not is_reserved(k)}


def _value(dimension: Dimension, value: Any) -> Any:
    hp = dimension.hp
    # Programs that know one kind of number only write 1.0 for 1.
    if isinstance(hp, hp_lib.Int) and isinstance(value, float) and value.is_integer():
        value = int(value)
    whole = not isinstance(hp, hp_lib.Int) or isinstance(value, int)
    number = dimension.number(value) if whole else None
    if number is None:
        raise ValueError(
            f"Expected {dimension.name!r} to be a value of {_shown(repr(hp))}. Received: "
            f"{_shown(repr(value))} of type {type(value).__name__}."
        )
    if isinstance(hp, hp_lib.Float):
        return float(value)
    # Of a choice as it stands there: layers want 16, and not 16.0.
    return value if isinstance(hp, hp_lib.Int) else dimension.value(number)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
