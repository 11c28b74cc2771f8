"""What an oracle knows besides its trials: captured for the journal, and put back.

Three things, each with its two directions: the state of the oracle's own class
(`OracleState`), the random generators in it, and the search spaces that trials refer to
(`SpaceTable`). `ledger` writes them, `restore` puts them back.
"""

import contextlib
import hashlib
import importlib
import inspect
import json
import logging
import marshal
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.oracles import BayesianOptimizationOracle

from tuner_component.search.storage import plain

_RANDOM = "$random"
_OBJECTIVE = keras_tuner.Objective("objective", "min")
_BASE = keras_tuner.Oracle(objective=_OBJECTIVE)
_BASE_ATTRIBUTES = frozenset(vars(_BASE)) | {"_directory", "_project_name"}
_BASE_STATE = frozenset(_BASE.get_state())

# Classes by their names, so that nothing here has to import numpy.
_PYTHON = "random.Random"
_NUMPY_LEGACY = "numpy.random.mtrand.RandomState"
_NUMPY = "numpy.random._generator.Generator"
_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")

_log = logging.getLogger(__name__)


class OracleState:
    """The state of one oracle beyond what every `keras_tuner.Oracle` has.

    KerasTuner's contract for this is `get_state` and `set_state`, but its own oracles do
    not keep it (grid search forgets where it is, Bayesian optimization its random
    numbers), and most custom oracles only override `populate_space`. So, where a class
    below KerasTuner's does not override `get_state`, the plain attributes it changed are
    kept for it. A class that does has said what its state is, and nothing else of it is
    touched.
    """

    def __init__(self, oracle: keras_tuner.Oracle) -> None:
        """Takes note of the state that the oracle's constructor left.

        Args:
            oracle: Fresh from its constructor.
        """
        self._oracle = oracle
        self._owner = _definer(type(oracle), "get_state")
        self._is_kerastuners = self._owner.__module__.startswith("keras_tuner.")
        self._packed: bytes | None = None
        self._encoded: dict[str, Any] = {}
        self._state_names: dict[str, bool] = {}
        self._at_first = self._attributes({})

    def capture(self) -> dict[str, Any]:
        """The state, JSON-compatible; shares nothing with the oracle. Not to be changed.

        Raises:
            plain.NotPlainError: `get_state` returned what no file could hold.
        """
        extras = self._extras()
        changed = {
            name: value
            for name, value in self._attributes(extras).items()
            if name not in self._at_first or self._at_first[name] != value
        }
        # Once journaled, an attribute stays, even if it returns to its first value.
        for name in changed:
            self._at_first.pop(name, None)
        captured = {"extras": extras, "attributes": changed}
        return {part: content for part, content in captured.items() if content}

    def restore(self, base: dict[str, Any], captured: dict[str, Any]) -> None:
        """Puts a state back.

        Args:
            base: The part of `get_state()` that every oracle has.
            captured: What `capture` returned.
        """
        extras = plain.decode(captured.get("extras", {}))
        if not extras and self._owner is not keras_tuner.Oracle:
            # Nothing was journaled yet: what the constructor set is the state.
            extras = plain.decode(self._extras())
        self._oracle.set_state({**base, **extras})
        for name, value in captured.get("attributes", {}).items():
            if not self._is_state(name):
                _log.warning(
                    "Not setting the oracle's %r: the journal tells a value for it, but "
                    "no search records that.",
                    name,
                )
                continue
            self._at_first.pop(name, None)
            if isinstance(value, dict) and _RANDOM in value:
                generator = getattr(self._oracle, name, None)
                value = put_back(generator, value[_RANDOM])
                setattr(self._oracle, name, value)
            else:
                setattr(self._oracle, name, plain.decode(value))

    def _extras(self) -> dict[str, Any]:
        if self._owner is keras_tuner.Oracle:
            return {}
        with self._without_points():
            state = self._oracle.get_state()
        extras = {key: value for key, value in state.items() if key not in _BASE_STATE}
        # Every second time nothing has changed, which shows much sooner than it is
        # encoded: brackets are hundreds of dicts.
        packed = _packed(extras)
        if packed is None or packed != self._packed:
            self._packed, self._encoded = packed, plain.encode(extras)
        return self._encoded

    @contextlib.contextmanager
    def _without_points(self) -> Iterator[None]:
        """Hides the points tried so far from KerasTuner's own `get_state`.

        It copies all of them each time, for a part of the state that is not used here.
        """
        oracle = self._oracle
        points = oracle._tried_so_far
        if self._is_kerastuners:
            oracle._tried_so_far = set()
        try:
            yield
        finally:
            oracle._tried_so_far = points

    def _attributes(self, extras: dict[str, Any]) -> dict[str, Any]:
        """The plain attributes and random generators that a subclass added.

        Those that `get_state` tells under their name, as KerasTuner's oracles do, are
        left to it.
        """
        found = {}
        for name in sorted(vars(self._oracle)):
            if self._is_state(name) and name.lstrip("_") not in extras:
                with contextlib.suppress(plain.NotPlainError):
                    found[name] = _encode(getattr(self._oracle, name))
        return found

    def _is_state(self, name: str) -> bool:
        """Whether an attribute is one that is captured, should it hold plain data.

        Nothing else is put back: a journal from elsewhere must not replace methods.
        """
        if name not in self._state_names:
            self._state_names[name] = self._may_be_state(name)
        return self._state_names[name]

    def _may_be_state(self, name: str) -> bool:
        if not self._is_kerastuners:
            is_bayesian = isinstance(self._oracle, BayesianOptimizationOracle)
            return is_bayesian and name == "_random_state"
        if name in _BASE_ATTRIBUTES or not name.isidentifier() or name[:2] == "__":
            return False
        known = inspect.getattr_static(type(self._oracle), name, None)
        return not (callable(known) or hasattr(known, "__get__"))


def _packed(value: dict[str, Any]) -> bytes | None:
    """Bytes that are equal only if values are; None if they hold what has no bytes."""
    try:
        return marshal.dumps(value, 2)  # Later versions depend on what is shared.
    except ValueError:
        return None


def _definer(cls: type, method: str) -> type:
    return next(base for base in cls.__mro__ if method in vars(base))


def _encode(value: Any) -> Any:
    state = generator_state(value)
    return plain.encode(value) if state is None else {_RANDOM: state}


def generator_state(value: Any) -> dict[str, Any] | None:
    """The state of a random generator; None for anything else."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if kind == _PYTHON:
        state = value.getstate()
    elif kind == _NUMPY_LEGACY:
        state = value.get_state(legacy=False)
    elif kind == _NUMPY:
        state = value.bit_generator.state
    else:
        return None
    return {"kind": kind, "state": plain.encode(_lists(state))}


def put_back(generator: Any, saved: dict[str, Any]) -> Any:
    """Puts a generator where another was.

    Args:
        generator: Of the kind that was saved, to be changed in place; or anything else.
        saved: What `generator_state` returned.

    Returns:
        `generator`, or a new one if that was of another kind.
    """
    kind, state = saved["kind"], plain.decode(saved["state"])
    if kind not in (_PYTHON, _NUMPY_LEGACY, _NUMPY):
        raise ValueError(
            f"Expected the state of a random generator. Received: {kind!r}."
        )
    known = generator_state(generator)
    if known is None or known["kind"] != kind:
        generator = _new(kind, state)
    if kind == _PYTHON:
        generator.setstate(state)
    elif kind == _NUMPY_LEGACY:
        generator.set_state(state)
    else:
        generator.bit_generator.state = state
    return generator


def _new(kind: str, state: Any) -> Any:
    if kind == _PYTHON:
        return random.Random()
    # KerasTuner has imported numpy; nothing else here needs it.
    numpy_random = importlib.import_module("numpy.random")
    if kind == _NUMPY_LEGACY:
        return numpy_random.RandomState()
    if state["bit_generator"] not in _BIT_GENERATORS:
        raise ValueError(
            f"Expected one of numpy's bit generators: {', '.join(_BIT_GENERATORS)}. "
            f"Received: {state['bit_generator']!r}."
        )
    bit_generator = getattr(numpy_random, state["bit_generator"])
    return numpy_random.Generator(bit_generator())


def _lists(state: Any) -> Any:
    """A copy of nested dicts in which numpy's arrays are lists."""
    if isinstance(state, dict):
        return {key: _lists(value) for key, value in state.items()}
    return state.tolist() if hasattr(state, "tolist") else state


class SpaceTable:
    """The distinct search spaces of a study, by key.

    A trial of KerasTuner carries the whole search space. Trials mostly share it, so the
    journal keeps each distinct space once and trials refer to it by a key; on the way
    back they share the same hyperparameter objects, which nothing ever mutates.
    """

    def __init__(self) -> None:
        """Creates an empty table."""
        self._spaces: dict[str, Sequence[Any]] = {}
        self._latest = ""

    def __contains__(self, key: str) -> bool:
        """Whether a key's space is known."""
        return key in self._spaces

    def key(self, hyperparameters: Any) -> tuple[str, list[Any] | None]:
        """Looks a space up.

        Args:
            hyperparameters: `keras_tuner.HyperParameters`.

        Returns:
            The key of its space, and what to journal for `add` if it is new here.
        """
        space = hyperparameters.space
        if self._latest and _same(space, self._spaces[self._latest]):
            return self._latest, None
        entries = plain.encode(hyperparameters.get_config()["space"])
        # By content, so that a space whose record was lost gets its key back.
        key = hashlib.sha256(json.dumps(entries).encode()).hexdigest()[:12]
        if key in self._spaces:
            self._latest = key
            return key, None
        self.add(key, entries)
        return key, entries

    def add(self, key: str, entries: Sequence[Any]) -> None:
        """Takes up a space read from the journal."""
        config = {"space": plain.decode(entries), "values": {}}
        self._spaces[key] = keras_tuner.HyperParameters.from_config(config).space
        self._latest = key

    def hyperparameters(self, key: str, values: Mapping[str, Any]) -> Any:
        """`keras_tuner.HyperParameters` with a known space and these values.

        A space whose record was lost is taken as empty.
        """
        result = keras_tuner.HyperParameters()
        for hyperparameter in self._spaces.get(key, ()):
            result._hps[hyperparameter.name].append(hyperparameter)
            result._space.append(hyperparameter)
        result.values = dict(values)
        return result


def _same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether two spaces have equal hyperparameters; quicker than their configurations."""
    return len(some) == len(others) and all(
        type(a) is type(b) and vars(a) == vars(b)
        for a, b in zip(some, others, strict=True)
    )
