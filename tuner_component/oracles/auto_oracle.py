"""The search "auto": an oracle that pauses trials and continues those worth it."""

import dataclasses
import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.oracles import endings
from tuner_component.oracles.known_values import KnownValues
from tuner_component.oracles.turns import Turns
from tuner_component.planner import steps
from tuner_component.planner.convergence import Convergence
from tuner_component.planner.planner import Planner
from tuner_component.planner.rungs import Rungs
from tuner_component.planner.times import Times
from tuner_component.search.epochs import Decision
from tuner_component.search.goals.front import Point
from tuner_component.search.goals.goals import Goals
from tuner_component.search.space.dimensions import Dimension, dimensions

_Status = trial_lib.TrialStatus
# So many trials stand for no limit.
_MANY = 10**9


class AutoOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Suggests trials, pauses them, and continues those that are worth more than new ones.

    All that it decides is decided by a `Planner`, to which it tells what happens. How that
    is done is in docs/algorithms.md. What it knows follows from the trials and what they
    told of their epochs: a resumed search tells it again.

    Args:
        epochs: How many epochs a trial has; None if that is not known.
        **settings: See `keras_tuner.Oracle`. `max_trials` is how many points are tried at
            most; most of them are trained for a few epochs only.

    Attributes:
        stop_when: What may end the search before `max_trials`: see `end_when`.
        ended_because: Why that has ended it, in a sentence; None if it has not.
    """

    def __init__(self, epochs: int | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._epochs = epochs
        self._rungs = Rungs(epochs)
        self._prior: list[tuple[Mapping[str, Any], float, int | None]] = []
        self._values = KnownValues(self._rungs, epochs)
        self._stopped: set[str] = set()
        self._paused: set[str] = set()
        self._planner: Planner | None = None
        self._space: list[Any] = []
        # How much of what the planner has seen is noted in `_heard`.
        self._noted = 0
        self._told: set[str] = set()
        self._ended: set[str] = set()
        self._step: steps.Step | None = None
        # Trials and epochs in the order in which the planner has heard of them, and
        # whether it heard that the trial had failed.
        self._heard: list[tuple[str, int, bool]] = []
        self._times = Times()
        # The trials that are trained to the end as checks: see `planner.checks`.
        self._checks: list[str] = []
        # Of what runs: since when, and from which epoch.
        self._since: dict[str, tuple[float, int]] = {}
        self._turns: Turns | None = None
        self.stop_when: str | None = None
        self.ended_because: str | None = None
        self._ending: Convergence | None = None

    @property
    def goals(self) -> Goals | None:
        """What trials are compared by; None if it is the objective alone."""
        return None if self._turns is None else self._turns.goals

    def pursue(self, goals: Goals) -> None:
        """Takes goals into account: see `search.oracle.aims`."""
        self._turns = self._values.turns = Turns(goals, self.seed)

    def learn_points(self, trial_id: str, points: Sequence[Point | None]) -> None:
        """Hears of all objectives of a trial: see `search.stopping.curve_hearing`."""
        if self._turns is not None:
            self._turns.learn(trial_id, points)

    @property
    def why(self) -> str | None:
        """How it decides, in a sentence; None as long as it knows no hyperparameter."""
        planner = self._synchronized()
        if planner is None or self._turns is None:
            return None if planner is None else planner.why
        return (
            f"{planner.why} Trials are compared by an augmented Chebyshev scalarisation, "
            "with other weights for each choice."
        )

    # What tells of the search: see `search.oracle.decisions`.

    def end_when(self, condition: str) -> None:
        """Has the search end when going on is hardly expected to gain anything.

        Args:
            condition: "converged".
        """
        self.stop_when, self._ending = condition, Convergence()

    @property
    def prospect(self) -> Mapping[str, Any] | None:
        """What was expected of going on at the last decision: see `Prospect`."""
        if self._planner is None or self._turns is not None:
            # By each choice's own weights it says nothing of the objective.
            return None
        found = self._planner.prospect
        return None if found is None else dataclasses.asdict(found)

    def learn_from(
        self, trials: Iterable[tuple[Mapping[str, Any], float, int | None]]
    ) -> None:
        """Takes results of earlier searches: see `OptunaOracle.learn_from`."""
        self._prior.extend(trials)
        self._planner = None

    def learn_curve(
        self, trial_id: str, curve: Sequence[float], stopped_after: int | None
    ) -> None:
        """Hears how far a trial was trained: see `search.stopping.curve_hearing`.

        Args:
            trial_id: A trial that has paused or ended.
            curve: Its best value so far after each epoch.
            stopped_after: After how many epochs it paused or was stopped, if it was.
        """
        self._values.curves[trial_id] = curve
        if stopped_after is not None:
            self._stopped.add(trial_id)
        else:
            self._stopped.discard(trial_id)
        if self.trials[trial_id].status != _Status.RUNNING:
            return
        self._paused.add(trial_id)
        if self._planner is not None and trial_id in self._told:
            self._observe_all(self._planner, trial_id)
            self._planner.pause(trial_id)

    def get_state(self) -> dict[str, Any]:
        """KerasTuner's own state, and in which order trials were heard of.

        All else that this oracle knows follows from its trials and their curves.
        """
        state: dict[str, Any] = super().get_state()
        if self._planner is not None:
            for name, epochs in self._planner.seen[self._noted :]:
                if name in self.trials:
                    failed = self._planner.has_failed(name, epochs)
                    self._heard.append((name, epochs, failed))
            self._noted = len(self._planner.seen)
        heard = [list(one) for one in self._heard]
        state.update(heard=heard, legs=self._times.legs, checks=list(self._checks))
        if self._turns is not None:
            state["turn"] = self._turns.state
        if self._ending is not None:
            state["ending"] = [self._ending.state, self.ended_because]
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes what `get_state` has returned.

        Raises:
            ArithmeticError, AttributeError, LookupError, TypeError, ValueError: It is not
                what that returns.
        """
        super().set_state(state)
        # Nothing can be told of a trial that the study has lost.
        self._heard = [
            (name, _counted(epochs), failed == [True])
            for name, epochs, *failed in state.get("heard", [])
            if name in self.trials
        ]
        self._times = Times(state.get("legs"))
        self._checks = [one for one in state.get("checks", []) if one in self.trials]
        if self._turns is not None and "turn" in state:
            self._turns.state = state["turn"]
        if self._ending is not None and "ending" in state:
            self._ending.state, because = state["ending"]
            self.ended_because = None if because is None else str(because)
        self._planner = None

    # What a search asks that can pause trials: see `search.oracle.pausing`.

    def is_rung(self, epochs: int) -> bool:
        """Whether a trial with so many epochs is to be decided about."""
        return self._rungs.is_rung(epochs)

    def after_epoch(
        self, trial_id: str, epochs: int, curve: Sequence[float], can_pause: bool
    ) -> Decision:
        """Decides about a trial: see `search.oracle.pausing.Pauses`."""
        planner = self._synchronized()
        if planner is None:
            return Decision.GO_ON
        value = curve[-1] if curve else math.nan
        if self._turns is not None:
            value = self._turns.value(trial_id, epochs)
        self._measure(planner, trial_id, epochs)
        decision = planner.after_epoch(trial_id, epochs, value)
        stops = decision is Decision.PAUSE and not can_pause
        if stops and self._turns is not None and not self._turns.is_dominated(trial_id):
            return Decision.GO_ON
        return decision

    def _measure(self, planner: Planner, trial_id: str, epochs: int) -> None:
        """Takes the time of a trial since it was handed out."""
        since, begin = self._since.get(trial_id, (math.nan, 0))
        if epochs > begin and not math.isnan(since):
            self._times.add(trial_id, epochs - begin, time.monotonic() - since)
            self._tell_times(planner)

    def _tell_times(self, planner: Planner) -> None:
        known = self._times.epoch_s.items()
        own = {
            trial_id: seconds for trial_id, seconds in known if trial_id in self.trials
        }
        planner.learn_times(own, self._times.start_s)

    def next_paused(self, paused: Sequence[str]) -> str | None:
        """The paused trial to go on with: see `search.oracle.pausing.Pauses`."""
        planner = self._synchronized()
        if planner is None:
            return None
        self._step = self._next(planner, paused)
        if not isinstance(self._step, steps.Continue):
            return None
        trial_id: str = self._step.trial
        self._step = None
        self._end_turn()
        self._paused.discard(trial_id)
        planner.resume(trial_id)
        begin = len(self._values.curves.get(trial_id, ()))
        self._since[trial_id] = (time.monotonic(), begin)
        return trial_id

    def hopeless(self, paused: Sequence[str]) -> Sequence[str]:
        """The paused trials that can no longer win."""
        planner = self._synchronized()
        if planner is None:
            return []
        found = planner.hopeless(paused)
        if self._turns is None:
            return found
        # By other weights it may be the best.
        return [trial_id for trial_id in found if self._turns.is_dominated(trial_id)]

    def _next(self, planner: Planner, paused: Sequence[str]) -> steps.Step:
        """What is worth most now."""
        if self._turns is not None:
            return self._next_of_front(self._turns, planner, paused)
        step = planner.next(paused)
        is_over = self._ending is not None and self._ending.is_over
        if is_over and self.ended_because is None and planner.prospect is not None:
            self.ended_because = endings.explained(self, planner.prospect)
        return step

    def _next_of_front(
        self, turns: Turns, planner: Planner, paused: Sequence[str]
    ) -> steps.Step:
        """The same of several objectives; at the end all of the front is trained."""
        turns.begin(planner)
        step = planner.next(paused)
        if isinstance(step, (steps.Wait, steps.Finished)):
            for trial_id in paused:
                if not turns.is_dominated(trial_id):
                    return steps.Continue(trial_id)
        return step

    def _end_turn(self) -> None:
        if self._turns is not None:
            self._turns.end()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Suggests a point: see `keras_tuner.Oracle.populate_space`."""
        planner = self._synchronized()
        if planner is None:
            # The first trial finds the hyperparameters.
            if not self.trials:
                return {"status": _Status.RUNNING, "values": {}}
            return {"status": self._nothing()}
        step, self._step = self._step or self._next(planner, ()), None
        if not isinstance(step, steps.Start):
            return {"status": self._nothing()}
        self._end_turn()
        self._since[trial_id] = (time.monotonic(), 0)
        return {"status": _Status.RUNNING, "values": dict(step.values)}

    def _nothing(self) -> str:
        status: str = _Status.IDLE if self.ongoing_trials else _Status.STOPPED
        return status

    # What the planner is told.

    def _synchronized(self) -> Planner | None:
        """The planner, told of all that has happened; None without hyperparameters."""
        space = dimensions(self.hyperparameters.space)
        if not space:
            return None
        configs = [dimension.hp.get_config() for dimension in space]
        if self._planner is None or configs != self._space:
            self._planner, self._space = self._new_planner(space), configs
        planner = self._planner
        for trial_id in self.start_order:
            if trial_id not in self._told:
                self._told.add(trial_id)
                planner.start(trial_id, self.trials[trial_id].hyperparameters.values)
        for trial_id in self.end_order:
            if trial_id not in self._ended:
                self._ended.add(trial_id)
                self._end(planner, trial_id)
        return planner

    def _new_planner(self, space: list[Dimension]) -> Planner:
        planner = Planner(
            space,
            max_trials=self.max_trials or _MANY,
            epochs=self._epochs,
            maximize=self.objective.direction == "max",
            seed=self.seed,
            ending=self._ending,
            checks=self._checks,
        )
        for values, score, stopped_after in self._prior:
            planner.learn_from(values, score, stopped_after)
        for trial_id in self.start_order:
            planner.start(trial_id, self.trials[trial_id].hyperparameters.values)
        if self._turns is not None:
            for trial_id in self.end_order:
                self._values.learn_result(self.trials[trial_id])
            self._turns.go_on([(name, epochs) for name, epochs, _ in self._heard])
        for trial_id, epochs, failed in self._heard:
            if failed:
                planner.observe(trial_id, epochs, math.nan)
            else:
                self._observe(planner, trial_id, epochs)
        if self._turns is not None:
            self._turns.tell(planner)
        for trial_id in self._paused:
            planner.pause(trial_id)
        self._tell_times(planner)
        self._told, self._ended = set(self.start_order), set[str]()
        self._noted = len(planner.seen)
        self._step = None
        return planner

    def _observe_all(self, planner: Planner, trial_id: str) -> None:
        """Tells of what a trial came to at its rungs, and in the end."""
        for epochs in self._values.looks(trial_id):
            self._observe(planner, trial_id, epochs)

    def _observe(self, planner: Planner, trial_id: str, epochs: int) -> None:
        value = self._values.value(self.trials[trial_id], epochs)
        if value is not None:
            planner.observe(trial_id, epochs, value)

    def _end(self, planner: Planner, trial_id: str) -> None:
        trial = self.trials[trial_id]
        self._paused.discard(trial_id)
        if trial.status != _Status.COMPLETED:
            planner.fail(trial_id)
            return
        self._observe_all(planner, trial_id)
        planner.end(trial_id, whole=trial_id not in self._stopped)


def _counted(epochs: Any) -> int:
    if not isinstance(epochs, int) or not 1 <= epochs <= sys.maxsize:
        raise ValueError(f"Expected a number of epochs. Received: {epochs!r}.")
    return epochs
