"""What is told of a search while it runs: in KerasTuner's own words, and as events."""

from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib
from keras_tuner.src.engine import oracle as oracle_module

from tuner_component.search import events
from tuner_component.search.goals.goals import Goals
from tuner_component.search.oracle import aims, trials
from tuner_component.search.oracle.ranking import Ranking
from tuner_component.search.oracle.reruns import confirms_of
from tuner_component.search.study.history import expected_trials


def search_started(
    oracle: Any, study_directory: str, workers: int
) -> events.SearchStarted:
    """What to tell of a search that starts, or goes on.

    Args:
        oracle: Restored from the study.
        study_directory: Path or URI of the study.
        workers: How many trials run at a time; 0 for a search in process.
    """
    reruns = oracle.reruns
    statuses = [t.status for i, t in oracle.trials.items() if i not in reruns]
    objective = oracle.objective
    best = trials.ranked(oracle)[:1]
    return events.SearchStarted(
        study_directory=study_directory,
        objective=objective.name,
        direction=objective.direction,
        workers=workers,
        max_trials=expected_trials(oracle.max_trials, len(statuses)),
        completed=statuses.count(trial_lib.TrialStatus.COMPLETED),
        failed=statuses.count(trial_lib.TrialStatus.FAILED),
        best=(best[0].score, best[0].trial_id) if best else None,
        space=oracle.get_space().get_config()["space"],
        paused=oracle.paused_trials(),
        reruns=oracle.reruns_at_most,
        rerun_scores=oracle.rerun_scores(),
        standing=oracle.ranking.sentence(),
    )


def outcome(state: Mapping[str, Any]) -> events.TrialEnded | events.AttemptLost:
    """What became of a trial that was handed in, by its state."""
    trial_id, message = state["trial_id"], state["message"]
    completed = state["status"] == trial_lib.TrialStatus.COMPLETED
    if completed or state["status"] == trial_lib.TrialStatus.FAILED:
        told = (trial_id, completed, state["score"], message)
        return events.TrialEnded(*told, state.get("confirms"), state.get("standing"))
    return events.AttemptLost(trial_id, message or "it came to no result")


class Announcer:
    """Tells people, and an observer, what becomes of trials.

    Prints what KerasTuner prints, without the sort of all trials that it does each time.

    Attributes:
        ranking: Knows which trials are the best.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        verbose: int,
        observer: events.Observer | None = None,
        goals: Goals | None = None,
    ) -> None:
        """Prepares the display.

        Args:
            oracle: The oracle whose trials are shown.
            verbose: 0 for silence, as in `Tuner.search`.
            observer: Told what is not printed alone; None if no one wants to know.
            goals: What trials are compared by; None for the score alone.
        """
        self.ranking = Ranking(oracle, goals or aims.of_score(oracle))
        self._board = _Board(oracle, self.ranking)
        self._display = oracle_module.Display(oracle=self._board, verbose=verbose)
        self._tell = observer or _tell_no_one

    @property
    def verbose(self) -> int | str:
        """0 for silence."""
        verbose: int | str = self._display.verbose
        return verbose

    @verbose.setter
    def verbose(self, value: int | str) -> None:
        self._display.verbose = 1 if value == "auto" else value

    def trial_started(self, trial: Any, worker: str) -> None:
        """A worker has a trial: prints its values next to the best."""
        confirms = confirms_of(trial)
        if confirms is None:
            self._display.on_trial_begin(trial)
        elif self.verbose:
            print(f"\nTrial {confirms} is run again, with another seed.", flush=True)
        values = dict(trial.hyperparameters.values)
        self._tell(events.TrialStarted(trial.trial_id, worker, values, confirms))

    def epoch_ended(
        self, trial_id: str, fit: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """A trial reports an epoch; KerasTuner prints nothing of its own for it."""
        self._tell(events.EpochEnded(trial_id, fit, epoch, metrics))

    def attempt_lost(self, trial_id: str, reason: str) -> None:
        """A trial came to nothing and will be run again; KerasTuner says so itself."""
        self._tell(events.AttemptLost(trial_id, reason))

    def trial_paused(self, trial_id: str, epochs: int) -> None:
        """A trial waits until the oracle wants it; KerasTuner knows no such thing."""
        self._tell(events.TrialPaused(trial_id, epochs))

    def trial_ended(self, trial: Any) -> None:
        """A trial has ended for good: prints its score, and the best so far."""
        if confirms_of(trial) is None:
            self.note(trial)
        elif self.verbose:
            print(f"Its score is {trial.score}.", flush=True)
        if trial.trial_id in self._display.trial_start:
            self._display.on_trial_end(trial)
        standing = self.ranking.sentence()
        self._tell(outcome({**vars(trial), "standing": standing}))

    def note(self, trial: Any) -> None:
        """Takes a trial into account without a word."""
        self._board.note(trial)


def _tell_no_one(event: events.Event) -> None:
    """Where events go that no one asked for."""


class _Board:
    """As much of an oracle as KerasTuner's display looks at."""

    def __init__(self, oracle: keras_tuner.Oracle, ranking: Ranking) -> None:
        self._oracle = oracle
        self._ranking = ranking
        self._best: Any = None

    @property
    def trials(self) -> dict[str, Any]:
        trials: dict[str, Any] = self._oracle.trials
        return trials

    @property
    def objective(self) -> Any:
        return self._oracle.objective

    def note(self, trial: Any) -> None:
        if trial.status != "COMPLETED" or trial.score is None:
            return
        if self._best is None or self.objective.better_than(
            trial.score, self._best.score
        ):
            self._best = trial

    def get_best_trials(self) -> list[Any]:
        if not self._ranking.goals.is_plain:
            return self._ranking.ranked().trials[:1]
        return [] if self._best is None else [self._best]
