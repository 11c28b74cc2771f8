"""Checks what workers say: whatever it is, it must not end the driver.

The channel has seen to it that a message is made of the right classes; nothing is known
yet of what is in them.
"""

import collections
from collections.abc import Mapping
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.epochs import checked_epoch
from tuner_component.search.errors import PortableError
from tuner_component.search.kerastuner import codec
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.engine import BadMessageError
from tuner_component.search.storage import plain

_STATUSES = frozenset(
    value for name, value in vars(trial_lib.TrialStatus).items() if name.isupper()
)

# The parameters of the search space that was found to be one last.
_checked: collections.deque[Any] = collections.deque(maxlen=1)


def check(message: Any) -> None:
    """Checks a message.

    What a trial itself may get wrong in a request is not looked at: the answer tells it.

    Raises:
        BadMessageError: If it is none that a worker sends.
    """
    try:
        _check(message)
    except BadMessageError:
        raise
    except Exception as error:  # Attributes may be missing, and values be of any kind.
        name = type(message).__name__
        raise BadMessageError(f"sent a {name} that is none ({error!r})") from error


def _check(message: Any) -> None:
    if isinstance(message, protocol.Request):
        _is(message.request_id, int)
        _is(message.method, str)
        _is(message.args, tuple)
        for name in _is(message.kwargs, Mapping):
            _is(name, str)
        if message.method == "pause_trial":
            _is(message.args[0], str)
        if message.method == "report_epoch":
            for name in ("can_pause", "decided"):
                _is(message.kwargs.get(name, False), bool)
        if message.method == "end_trial":
            _is(message.kwargs.get("then"), (int, type(None)))
            _check_trial(_is(message.args[0], codec.TrialState).state)
    elif isinstance(message, events.EpochEnded):
        _is(message.trial_id, str)
        checked_epoch(message.fit, message.epoch, message.metrics)
    elif isinstance(message, protocol.Logged):
        _is(message.logger, str)
        _is(message.level, int)
        _is(message.text, str)
    elif isinstance(message, protocol.Crashed):
        error = _is(message.error, PortableError)
        _is(error.type_path, str)
        _is(error.message, str)
        _is(error.first_traceback, (str, type(None)))
        _is(error.failed_trials, int)
    elif not isinstance(message, protocol.Heartbeat):
        raise BadMessageError(f"sent a {type(message).__name__}, which says nothing")


def _check_trial(state: Any) -> None:
    """Checks a trial that is handed in: what becomes of it must not fail halfway."""
    _is(state["trial_id"], str)
    _is(state["message"], (str, type(None)))
    if state["status"] not in _STATUSES:
        raise ValueError(f"the status is {state['status']!r}")
    for metrics, step in _is(state.get("reports", []), list):
        checked_epoch(0, 0, metrics)
        if not abs(_is(step, (int, float))) <= protocol.LAST_STEP:
            raise ValueError(f"the step is {step!r}")
    config = state["hyperparameters"]
    plain.encode(config["values"])  # As the journal will.
    _check_space(config)


def _check_space(config: Any) -> None:
    """Checks a search space, unless it is the one that was checked last, as it mostly is.

    To make it anew is most of what it costs the driver to hear of a trial's end.
    """
    _is(config["values"], Mapping)
    if config["space"] not in _checked:
        codec.decode(codec.Space(config))
        _checked.append(config["space"])


def _is(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"a part is of type {type(value).__name__}")
    return value
