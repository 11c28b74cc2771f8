"""Configurations that somebody wants to be tried next, whatever an oracle would suggest."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.kerastuner.kerastuner_oracles import ResumableGrid
from tuner_component.search.kerastuner.repairs import RepairedOracle
from tuner_component.search.space import points
from tuner_component.search.space.dimensions import dimensions
from tuner_component.search.spelling import counted

_Status = trial_lib.TrialStatus


class NoRoomError(ValueError):
    """A configuration cannot be tried; the message says why."""


class Enqueued:
    """The configurations that wait to be tried.

    An oracle creates a trial for each as for what it suggests itself, and learns from it
    as from any trial that it knows; only the point is not its own.

    Args:
        oracle: The user's oracle, repaired and restored.
        waiting: The points by the ids of the requests, in order.
    """

    def __init__(
        self, oracle: keras_tuner.Oracle, waiting: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._oracle = oracle
        self._waiting = {request: dict(point) for request, point in waiting.items()}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def any(self) -> bool:
        """Whether one waits that the next trial can try."""
        limit = self._oracle.max_trials
        room = not limit or len(self._oracle.trials) < limit
        # A grid search goes on from its first trial, which has all the defaults.
        begins = isinstance(self._oracle, ResumableGrid) and not self._oracle.trials
        return bool(self._waiting) and room and not begins

    def add(self, request: str, point: Mapping[str, Any]) -> None:
        """Takes up a point that `check` has returned."""
        self._waiting[request] = dict(point)

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The point that is to be tried, if it can be.

        Args:
            given: Values by the names of hyperparameters.

        Raises:
            NoRoomError: If it cannot.
        """
        oracle = self._oracle
        space = dimensions(oracle.hyperparameters.space)
        if not space:
            raise NoRoomError(
                "Expected a search whose hyperparameters are known. Received: one whose "
                "first trial has still to find them. Ask again when that has ended."
            )
        if _creates_its_own(oracle):
            raise NoRoomError(
                "Expected an oracle that takes configurations from others. Received: "
                f"{type(oracle).__name__}, which has a create_trial of its own."
            )
        limit = oracle.max_trials
        if limit and len(oracle.trials) + len(self) >= limit:
            raise NoRoomError(
                f"Expected a search with trials to come. Received: one of "
                f"{counted(limit, 'trial')}, all of which are taken. Raise "
                "max_trials, and run the search again."
            )
        try:
            point = points.point_of(space, given)
            if isinstance(oracle, ResumableGrid):
                point = oracle.snapped(point)
        except ValueError as error:
            raise NoRoomError(str(error)) from error
        self._check_new(space, point)
        return point

    def _check_new(self, space: Any, point: Mapping[str, Any]) -> None:
        place = points.place_of(space, point)
        for trial_id, trial in self._oracle.trials.items():
            values = points.of_the_user(trial.hyperparameters.values)
            if values and points.place_of(space, values) == place:
                raise NoRoomError(
                    "Expected a configuration that was not tried. Received: that of trial "
                    f"{trial_id}, {trial.status.lower()}."
                )
        for waiting in self._waiting.values():
            if points.place_of(space, waiting) == place:
                raise NoRoomError(
                    "Expected a configuration that is not asked for yet. Received: one "
                    "that waits to be tried."
                )

    def create(self, ask: Callable[[], Any]) -> tuple[Any, str | None]:
        """Has the oracle create a trial: for what has waited longest, if something does.

        Args:
            ask: Calls the oracle's `create_trial`.

        Returns:
            The trial, and the id of the request that it is for; None if it is for none.
        """
        if not self.any:
            return ask(), None
        request = next(iter(self._waiting))
        taken = False

        def give(trial_id: str) -> dict[str, Any]:
            nonlocal taken
            taken = True
            point = self._waiting[request]
            if isinstance(self._oracle, ResumableGrid):
                self._oracle.take_in(trial_id, point)
            values = points.whole_budget(self._oracle, point)
            return {"status": _Status.RUNNING, "values": values}

        own = vars(self._oracle)
        before = own.get("populate_space")
        self._oracle.populate_space = give
        try:
            trial = ask()
        finally:
            del self._oracle.populate_space
            if before is not None:
                self._oracle.populate_space = before
        if not (taken and trial.status == _Status.RUNNING):
            return trial, None
        del self._waiting[request]
        return trial, request


def _creates_its_own(oracle: keras_tuner.Oracle) -> bool:
    """Whether the user's class does not leave it to KerasTuner how trials are created."""
    for cls in inspect.getmro(type(oracle)):
        if "create_trial" in vars(cls) and cls is not RepairedOracle:
            return cls is not keras_tuner.Oracle
    return False
