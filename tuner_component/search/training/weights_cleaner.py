"""Deletes the weights of trials that are not needed any more.

KerasTuner keeps the best epoch of every trial for ever, optimizer included: a hundred
trials of a model of 1 GB fill 300 GB. Needed are the best few trials, those that
Hyperband may still continue, and those that these continued themselves.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from keras_tuner.engine import base_tuner

from tuner_component.search.errors import StorageError
from tuner_component.search.reserved import PARENT
from tuner_component.search.storage import files, names
from tuner_component.search.study import confirmation
from tuner_component.search.training import best_weights, checkpoint_files

_LOG = logging.getLogger(__name__)

# As many as KerasTuner's `results_summary` shows. `get_best_models` loads one by
# default; code that asks for a few more, in `on_search_end` say, still gets them.
DEFAULT_KEEP = 10

# What KerasTuner's tuners write into the directory of a trial, besides its record.
_WEIGHTS = "checkpoint.weights.h5"
_FILES = (_WEIGHTS, "checkpoint.new.weights.h5", "build_config.json", "model.pickle")

_ENDED = ("COMPLETED", "FAILED")


class WeightsCleaner:
    """Deletes weights as trials end, or fail.

    Deletes only files that KerasTuner itself writes, and only in the directories of
    trials that have ended for the oracle. Other files there are the user's and stay; a
    directory that is empty then goes. With an oracle of the user's own nothing is
    deleted: its trials may continue from any other.

    The work per trial depends on what is kept, not on how many trials there were.

    Args:
        tuner: The tuner that writes the weights.
        oracle: The oracle that knows the trials: KerasTuner's own, or a wrapper that
            passes its attributes on.
        study_directory: Path or URI of the study, which has the checkpoints: those of
            failed trials are deleted with the weights.
        keep: How many of the best trials keep their weights.
        confirm: How many of those with different hyperparameters may be run again, so that
            each of them may become the best. Re-runs themselves keep none.
        also: Called with that number, names trials that keep them whatever their scores:
            a whole front, and those that meet the constraints.
    """

    def __init__(
        self,
        tuner: base_tuner.BaseTuner,
        oracle: Any,
        study_directory: str,
        keep: int = DEFAULT_KEEP,
        confirm: int = 0,
        also: Callable[[int], Iterable[str]] = lambda keep: (),
    ) -> None:
        self._confirm = confirm
        self._directory = files.join(str(tuner.directory), tuner.project_name)
        self._study_directory = study_directory
        self._oracle = oracle
        self._keep = keep
        self._also = also
        self._present: set[str] | None = None
        self._trials: dict[str, Any] = {}
        # Trials that continue another one, until they have completed: id -> parent's id.
        self._continuing: dict[str, str] = {}
        self._seen_started = 0
        self._seen_ended = len(oracle.end_order)
        self._failed_reruns: set[str] = set()

    def trial_ended(self, trial_id: str) -> list[str]:
        """Deletes what the end of a trial makes superfluous.

        Call it when the end is durable and the tuner is done with the trial.

        Args:
            trial_id: The trial.

        Returns:
            The trials whose weights were deleted.
        """
        return self._clean({trial_id})

    def let_go(self, trial_id: str) -> list[str]:
        """The same for a trial that has ended while it was paused, with its training."""
        if self._oracle.trials[trial_id].status in _ENDED:
            self._delete_checkpoints(trial_id)
        return self._clean({trial_id})

    def search_ended(self) -> list[str]:
        """Deletes what is left of trials that no tuner ended: their workers died."""
        return self._clean(set())

    def _clean(self, ended: set[str]) -> list[str]:
        self._trials = self._oracle.trials  # A facade's takes its time.
        # A trial whose worker died ended without a tuner that would have cleaned up.
        failed = self._failures()
        for trial_id in failed:
            self._delete_checkpoints(trial_id)
        if not _is_known(self._oracle):
            return []
        if self._present is None:  # Listed once: it may be thousands of directories.
            self._present = self._find()
        self._present |= {t for t in ended | failed if self._may_have_files(t)}
        done = {t for t in self._present if self._trial(t).status in _ENDED}
        if not done:
            return []
        superfluous = sorted(done - self._needed(done))
        for trial_id in superfluous:
            self._delete(trial_id)
        self._present.difference_update(superfluous)
        return superfluous

    def _failures(self) -> set[str]:
        """Trials that have failed since the last call."""
        ended = self._oracle.end_order
        reruns = self._reruns
        news = [*ended[self._seen_ended :], *(reruns - self._failed_reruns)]
        self._seen_ended = len(ended)
        failed = {t for t in news if self._trial(t).status == "FAILED"}
        self._failed_reruns |= failed & reruns
        return failed

    @property
    def _reruns(self) -> set[str]:
        """Ids of the trials that run others again; their weights are never needed."""
        return set(getattr(self._oracle, "reruns", ()))

    def _delete_checkpoints(self, trial_id: str) -> None:
        directory = checkpoint_files.directory_of(self._study_directory, trial_id)
        try:
            files.remove_tree(directory)
        except (OSError, StorageError) as error:
            _LOG.warning("%s stays. %s", directory, error)

    def _find(self) -> set[str]:
        """The trials of this search with a directory, those before a resume included."""
        found = set(files.list_names(self._directory))
        return {i for i in self._oracle.trials if _directory_name(i) in found}

    def _may_have_files(self, trial_id: str) -> bool:
        """False for trials that train no Keras model; in a bucket, to look costs more."""
        directory = files.join(self._directory, _directory_name(trial_id))
        return files.is_remote(directory) or files.exists(directory)

    def _needed(self, ended: set[str]) -> set[str]:
        own = ended - self._reruns
        best = [
            *self._best(own, self._keep),
            *self._maybe_confirmed(own),
            *self._also(self._keep),
        ]
        # A model that continued another is built from the other's weights first.
        parents = filter(None, map(self._parent, best))
        return {*best, *parents, *self._parents_of_running(), *self._candidates()}

    def _best(self, trial_ids: Any, number: int) -> list[str]:
        completed = [t for t in trial_ids if self._trial(t).status == "COMPLETED"]
        completed.sort(
            key=lambda trial_id: self._trial(trial_id).score,
            reverse=self._oracle.objective.direction == "max",
        )
        return completed[:number]

    def _maybe_confirmed(self, ended: set[str]) -> list[str]:
        """Trials that are run again, or may be."""
        order = self._best(ended, len(ended)) if self._confirm else []
        values = ((t, self._trial(t).hyperparameters.values) for t in order)
        return [
            *getattr(self._oracle, "to_confirm", ()),
            *confirmation.distinct(values, self._confirm),
        ]

    def _parents_of_running(self) -> list[str]:
        started = self._oracle.start_order
        for trial_id in started[self._seen_started :]:
            parent = self._parent(trial_id)
            if parent is not None:
                self._continuing[trial_id] = parent
        self._seen_started = len(started)
        for trial_id in list(self._continuing):
            # One that has failed may be run again, if somebody wants it.
            if self._trial(trial_id).status == "COMPLETED":
                del self._continuing[trial_id]
        return list(self._continuing.values())

    def _candidates(self) -> set[str]:
        """Trials that Hyperband may still pick for the next round of their bracket.

        It picks the best of a round first. So if the next round has `n` places, only
        the best `n` so far can ever be picked.
        """
        candidates: set[str] = set()
        for bracket in getattr(self._oracle, "_brackets", []):
            rounds = bracket["rounds"]
            for number in range(1, len(rounds)):
                places = self._oracle._get_size(bracket["bracket_num"], number)
                if len(rounds[number]) < places:
                    ids = [entry["id"] for entry in rounds[number - 1]]
                    candidates.update(self._best(ids, places))
        return candidates

    def _trial(self, trial_id: str) -> Any:
        return self._trials[trial_id]

    def _parent(self, trial_id: str) -> str | None:
        values = self._trial(trial_id).hyperparameters.values
        parent: str | None = values.get(PARENT)
        return parent

    def _delete(self, trial_id: str) -> None:
        directory = files.join(self._directory, _directory_name(trial_id))
        weights = files.join(directory, _WEIGHTS)
        try:
            if not files.exists(directory):
                return  # As with tuners that train no Keras models.
            paths = [files.join(directory, name) for name in _FILES]
            for path in [*paths, *best_weights.kept_files(weights)]:
                files.remove(path)
            if not files.list_names(directory):
                files.remove_tree(directory)
        except (OSError, StorageError) as error:
            # The search goes on: weights that stay only take space.
            _LOG.warning("Weights of trial %s stay. %s", trial_id, error)


def _directory_name(trial_id: str) -> str:
    """What an instrumented tuner names a trial's directory, as KerasTuner does."""
    return f"trial_{names.component(trial_id)}"


def _is_known(oracle: Any) -> bool:
    """Whether it is known what the trials of the oracle continue from."""
    # Not `type`: a wrapper passes for the class of the oracle that it wraps.
    package = oracle.__class__.__module__.partition(".")[0]
    return package in ("keras_tuner", "tuner_component")
