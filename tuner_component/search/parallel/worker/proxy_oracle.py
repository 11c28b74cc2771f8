"""The oracle that a worker's tuner sees: it asks the driver's."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.kerastuner import codec
from tuner_component.search.parallel.worker.own_trial import OwnTrial

# What the user's code has set before the search and nothing changes during it.
_SETTINGS = (
    "objective",
    "allow_new_entries",
    "tune_new_entries",
    "seed",
    "max_retries_per_trial",
    "max_consecutive_failed_trials",
    "multi_worker",
    "should_report",
    "directory",
    "project_name",
    "_directory",
    "_project_name",
    "_display",  # Holds `verbose`.
)

Call = Callable[..., Any]


class Ahead(Protocol):
    """Asks for the next trial together with what ends the one before: see `DriverLink`."""

    def expect(self) -> int:
        """Returns the id of a request that is sent as a part of another one."""

    def answer(self, request_id: int) -> Any:
        """Waits for the answer to it."""

    def forget(self, request_id: int) -> None:
        """There will be no answer to it."""


class ProxyOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Stands in for a tuner's oracle and forwards what it is asked to the driver's.

    Settings are read from the oracle that the worker's own tuner was made with. All
    that changes during a search, the attributes and methods of the user's oracle class
    included, is asked for when it is used.

    Args:
        local: The oracle that it replaces.
        call: Calls the method named by its first argument, of the driver's oracle,
            with the other arguments; encoded values in, encoded values out.
        alone: Whether no other process trains the same trials: see `OwnTrial`.
        ahead: If the tuner does nothing between the end of a trial and the request for
            the next one: then the driver hears of both at once, which costs it, and the
            worker, half as much.
    """

    def __init__(
        self,
        local: keras_tuner.Oracle,
        call: Call,
        *,
        alone: bool = False,
        ahead: Ahead | None = None,
    ) -> None:
        # The base class would make state of its own; here there is none.
        self._local = local
        self._call_driver = call
        self._own = OwnTrial(local, alone)
        self._ahead = ahead
        self._asked: int | None = None
        for name in _SETTINGS:
            if name in vars(local):
                setattr(self, name, vars(local)[name])

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of the oracle in whose place it stands, for isinstance."""
        return type(self._local)

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self._tell_report()
        plain_args = [codec.encode(arg) for arg in args]
        plain_kwargs = {name: codec.encode(arg) for name, arg in kwargs.items()}
        return codec.decode(self._call_driver(method, *plain_args, **plain_kwargs))

    def _tell_report(self) -> None:
        """Has the driver know what this process knows."""
        if report := self._own.forget():
            trial_id, metrics, step = report
            self._call_driver("update_trial", trial_id, metrics, step=step)

    def create_trial(self, tuner_id: str) -> trial_lib.Trial:
        """Waits until the driver has a trial for this worker, or no more at all."""
        self._tell_report()
        asked, self._asked = self._asked, None
        if asked is not None and self._ahead is not None:
            state = self._ahead.answer(asked)
        else:
            state = self._call_driver("create_trial", tuner_id)
        self._own.begin(state)
        return codec.decode(state)

    def update_trial(
        self, trial_id: str, metrics: Mapping[str, Any], step: int = 0
    ) -> trial_lib.Trial:
        """Reports metrics of a running trial."""
        plain = {name: float(value) for name, value in metrics.items()}
        if self._own.takes(trial_id, step):
            return self._own.report(plain, step)
        return self._call("update_trial", trial_id, plain, step=step)

    def end_trial(
        self, trial: trial_lib.Trial | str, status: str = "COMPLETED"
    ) -> None:
        """Hands in a trial; older tuners pass its id and a status.

        The trial then has the status that the oracle gave it, as it has in process:
        "INVALID" if it will be run again since its score is no number, say; or
        "RUNNING" if this attempt does not count.
        """
        if isinstance(trial, str):
            trial = trial_lib.Trial(self.get_space(), trial, status)
        # `instrument` has seen the exception; the trial's message is but its text.
        ran_out = trial.status != "COMPLETED" and vars(trial).get("ran_out_of_memory")
        handed_in: codec.TrialState = codec.encode(trial)
        if self._own.runs(trial.trial_id) and (report := self._own.forget()):
            handed_in.state["reports"] = [report[1:]]
        self._tell_report()  # Of another trial, if there is one.
        trial.status = self._hand_in(handed_in, bool(ran_out))

    def _hand_in(self, trial: codec.TrialState, out_of_memory: bool) -> Any:
        """Hands in a trial, and asks for the next one if that needs no other message."""
        told = {"out_of_memory": out_of_memory}
        if self._ahead is None or self._asked is not None:
            return self._call_driver("end_trial", trial, **told)
        asked = self._ahead.expect()
        try:
            status = self._call_driver("end_trial", trial, **told, then=asked)
        except BaseException:
            self._ahead.forget(asked)  # The driver takes it for withdrawn, too.
            raise
        self._asked = asked
        return status

    def pause_trial(self, trial_id: str) -> None:
        """Says that a trial is saved and left, as its last epoch was answered."""
        self._call("pause_trial", trial_id)

    def get_space(self) -> keras_tuner.HyperParameters:
        """The search space as far as it is known by now."""
        return self._call("get_space")

    def update_space(self, hyperparameters: keras_tuner.HyperParameters) -> None:
        """Adds hyperparameters to the search space."""
        self._call("update_space", hyperparameters)

    def get_trial(self, trial_id: str) -> trial_lib.Trial:
        """A trial of the search, whichever worker ran it."""
        if self._own.runs(trial_id):
            return self._own.look()
        return self._call("get_trial", trial_id)

    def get_best_trials(self, num_trials: int = 1) -> list[trial_lib.Trial]:
        """The best trials so far."""
        return self._call("get_best_trials", num_trials)  # type: ignore[no-any-return]

    def remaining_trials(self) -> int | None:
        """How many trials are still to come; None without a limit."""
        return self._call("remaining_trials")  # type: ignore[no-any-return]

    def get_state(self) -> dict[str, Any]:
        """The state of the driver's oracle."""
        return self._call("get_state")  # type: ignore[no-any-return]

    def save(self) -> None:
        """Does nothing: the driver has everything on disk already."""

    def reload(self) -> None:
        """Does nothing: the driver has everything already."""

    trials = property(lambda self: self._call("getattr", "trials"))
    ongoing_trials = property(lambda self: self._call("getattr", "ongoing_trials"))
    start_order = property(lambda self: self._call("getattr", "start_order"))
    end_order = property(lambda self: self._call("getattr", "end_order"))
    tuner_ids = property(lambda self: self._call("getattr", "tuner_ids"))
    hyperparameters = property(lambda self: self.get_space())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_local" not in vars(self):
            raise AttributeError(name)
        local = inspect.getattr_static(self._local, name)
        if inspect.isroutine(local) or isinstance(local, (staticmethod, classmethod)):
            return lambda *args, **kwargs: self._call(name, *args, **kwargs)
        try:
            return self._call("getattr", name)
        except TypeError:
            return getattr(self._local, name)  # It cannot be sent.

    def __copy__(self) -> "ProxyOracle":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "ProxyOracle":
        # Callbacks that hold the tuner are copied for every trial.
        return self
