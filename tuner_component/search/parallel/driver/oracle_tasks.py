"""What the driver does with its oracle on behalf of workers.

These run in the oracle's own thread. Only plain values come in and go out.
"""

from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.oracle import codec
from tuner_component.search.parallel import protocol


def suggest(oracle: Any, worker_id: str) -> codec.TrialState:
    """Asks for a trial for a worker; it may be one that says there is none."""
    return codec.encode(oracle.create_trial(worker_id))  # type: ignore[no-any-return]


def no_more_trials() -> codec.TrialState:
    """What a worker gets that should leave."""
    nothing = trial_lib.Trial(
        keras_tuner.HyperParameters(), "", trial_lib.TrialStatus.STOPPED
    )
    return codec.encode(nothing)  # type: ignore[no-any-return]


def hand_in(oracle: Any, state: dict[str, Any]) -> None:
    """Ends a trial as its worker says; what it measured is known already.

    Args:
        oracle: The oracle.
        state: The trial's state in the worker.
    """
    trial = oracle.get_trial(state["trial_id"])
    # As in process, the oracle gets to see its own object.
    trial.status, trial.message = state["status"], state["message"]
    trial.hyperparameters = keras_tuner.HyperParameters.from_config(
        codec.decode(state["hyperparameters"])
    )
    oracle.end_trial(trial)


def state_of(oracle: Any, trial_id: str) -> dict[str, Any]:
    """The state of a trial."""
    return codec.encode(oracle.get_trial(trial_id).get_state())  # type: ignore[no-any-return]


def call(oracle: Any, request: protocol.Request) -> Any:
    """Calls the method that a worker asks for, or reads an attribute ("getattr")."""
    args = codec.decode(request.args)
    if request.method == "getattr":
        return codec.encode(getattr(oracle, *args))
    method = getattr(oracle, request.method)
    return codec.encode(method(*args, **codec.decode(dict(request.kwargs))))
