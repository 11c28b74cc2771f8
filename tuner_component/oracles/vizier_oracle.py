"""Vizier, a service that suggests trials, as an oracle of KerasTuner's."""

import collections
import concurrent.futures
import contextlib
import functools
import logging
import random
import uuid
from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.oracles import neighbours, vizier_place
from tuner_component.oracles.vizier_suggestions import Suggestion, Suggestions
from tuner_component.oracles.vizier_trials import VizierTrials
from tuner_component.search.space.dimensions import Dimension, dimensions
from tuner_component.vizier.conversation import Conversation
from tuner_component.vizier.service import (
    Problem,
    Service,
    ServiceError,
    UnreachableError,
)
from tuner_component.vizier.space import SpaceTranslation

_Status = trial_lib.TrialStatus
_log = logging.getLogger("tuner_component")

# So long one call waits for the service; then others can be seen to, and it is asked again.
_WAIT_S = 1.0
# After so many suggestions of points that were tried before, the nearest untried one is it.
_MAX_REPEATS = 3
_MOST_EARLY = 1000


class VizierOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Suggests trials as Vizier does: Google's Vertex AI Vizier, or an open-source one.

    The service is told of all trials: their values after each epoch, their results, and
    those that failed, as infeasible. It is talked to in a thread of its own, so that trials
    and their results never wait for it. When it cannot be reached, trials that run go on.

    What the service suggests twice is not tried twice: after some repetitions the nearest
    untried point is, and the service learns of it. Hyperparameters that are found during
    the search are drawn at random, since the service's search space cannot change.

    The journal of a search says what is so. After a crash the service is told what it has
    not heard, and a trial that it had suggested is run, once.

    Args:
        objective: See `keras_tuner.Oracle`. Of several, the service is told the sum.
        max_trials: How many trials at most; with a `study_id`, those of all searches that
            share the study.
        project_id: The project of Google Cloud, for Vertex AI Vizier. Its
            application-default credentials are used.
        region: The region of Google Cloud where the study is.
        study_id: The name of the study, to share it among searches; each has a study of its
            own if None.
        endpoint: Host and port of an open-source Vizier service, in place of `project_id`
            and `region`.
        algorithm: The service's name of an algorithm, such as "RANDOM_SEARCH"; None for its
            default.
        give_up_after_s: The search ends when the service gave no answer for so many
            seconds.
        seed: Of what is drawn here; the service has seeds of its own.
        hyperparameters: See `keras_tuner.Oracle`.
        tune_new_entries: See `keras_tuner.Oracle`.
        allow_new_entries: See `keras_tuner.Oracle`.
        max_retries_per_trial: See `keras_tuner.Oracle`.
        max_consecutive_failed_trials: See `keras_tuner.Oracle`.

    Attributes:
        suggests_elsewhere: Suggesting costs nothing here, and may take long.
        ended_because: Why the search has ended before its trials were run; None if it has
            not: others that share its study have run them.

    Raises:
        ValueError: If there is neither an endpoint nor a project and a region, or both; or
            if an argument is none that a service understands.
    """

    suggests_elsewhere = True

    def __init__(
        self,
        objective: Any = None,
        max_trials: int = 10,
        project_id: str | None = None,
        region: str | None = None,
        study_id: str | None = None,
        endpoint: str | None = None,
        algorithm: str | None = None,
        give_up_after_s: float = 600.0,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ) -> None:
        place = vizier_place.Place(project_id, region, endpoint)
        vizier_place.check(place, study_id, give_up_after_s)
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        self._place = place
        # The journal tells of arguments by these names.
        self._project_id, self._region = project_id, region
        self._study_id, self._endpoint = study_id, endpoint
        self._algorithm, self._give_up_after_s = algorithm, give_up_after_s
        # By this the service's trials are known as this search's, after a crash too.
        self._owner = uuid.uuid4().hex[:12]
        # Keys of the hyperparameters that the service's study has; None if it has none yet.
        self._told: list[str] | None = None
        self.ended_because: str | None = None
        self._stops_early = False
        self._to_stop: set[str] = set()
        # Epochs on their way to the service: its study may not be open yet.
        self._early: collections.deque[tuple[str, int, float]]
        self._early = collections.deque(maxlen=_MOST_EARLY)
        self._forget()

    def _forget(self) -> None:
        """What is known of the service ends with the conversation."""
        self._conversation: Conversation | None = None
        self._opening: concurrent.futures.Future[Any] | None = None
        self._known: VizierTrials | None = None
        self._suggestions = Suggestions(self._say, self._study_id is not None)
        self._repeats = 0
        self._seen = 0
        self._unheard: list[concurrent.futures.Future[Any]] = []

    def get_state(self) -> dict[str, Any]:
        """KerasTuner's own state, and what the service knows this search by."""
        return {**super().get_state(), "owner": self._owner, "told": self._told}

    def set_state(self, state: dict[str, Any]) -> None:
        """See `get_state`."""
        super().set_state(state)
        self._owner = state.get("owner", self._owner)
        self._told = state.get("told", self._told)

    def save(self) -> None:
        """See `keras_tuner.Oracle`; without a journal this is what makes results durable."""
        super().save()
        self.committed()
        if self._has_results and not self.ongoing_trials:
            self._wait_until_heard()  # It may have been the last one.

    def stop_by_service(self) -> None:
        """Has the service say which trials should stop.

        Raises:
            ValueError: If it cannot.
        """
        if self._endpoint is not None:
            raise ValueError(
                "Expected Vertex AI Vizier with the stopping rule SERVICE. Received: the "
                f"endpoint {self._endpoint} of an open-source Vizier, which stops trials "
                "at random. Take the rule MEDIAN or ASHA."
            )
        self._stops_early = True

    def wants_stopped(self, trial_id: str) -> bool:
        """Whether the service has said that a trial should stop; from any thread."""
        return trial_id in self._to_stop

    # What happens in the search.

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Suggests a point: see `keras_tuner.Oracle.populate_space`.

        Raises:
            ServiceError: If the service cannot be reached, or refuses.
        """
        space = dimensions(self.hyperparameters.space)
        draw = random.Random(len(self.trials) * 10_007 + self.seed)
        tried, is_tried = len(self._tried_so_far), self._duplicate
        if neighbours.untried(space, tried, is_tried, draw) is None:
            return self._nothing()
        if not space:  # The first trial will tell what there is.
            return {"status": _Status.RUNNING, "values": {}}
        self._raise_refused()
        if not self._is_open(_WAIT_S):
            return {"status": _Status.IDLE}
        return self._suggestion(trial_id, space, draw)

    def hear_epoch(
        self, trial_id: str, fit: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Tells the service of an epoch of a trial's first training; from any thread."""
        if fit or not self.objective.has_value(metrics):
            return
        told = trial_id, epoch + 1, float(self.objective.get_value(metrics))
        self._early.append(told)
        if self._known is not None:
            self._note_epochs(self._known)

    def committed(self) -> None:
        """Tells the service what is durable by now; waits for nothing."""
        if not self.hyperparameters.space:
            return  # Not known yet: the first trial will tell.
        try:
            if self._is_open(0):
                self._tell_ends()
        except ServiceError:
            # That is raised when the service is needed: what is durable stays so.
            self._opening = None

    def concluded(self) -> None:
        """Waits until the service knows that the search is over, and ends the connection.

        Raises:
            ServiceError: If it cannot be reached, or refuses.
        """
        if self._conversation is None and not self._has_results:
            return  # Even then it may have been asked for a trial that no one runs.
        self._wait_until_heard()
        self._give_up_suggestion()
        self._tell(functools.partial(self._trials.tell_rest, self._owner))
        self._wait_until_heard()
        if self._conversation is not None:
            self._conversation.close()
        self._forget()

    # How it is done.

    @property
    def _has_results(self) -> bool:
        """Whether there may be results for the service: without a space it has no study."""
        return bool(self.trials and self.hyperparameters.space)

    @property
    def _trials(self) -> VizierTrials:
        if self._known is None:
            raise RuntimeError("The study is not open.")
        return self._known

    def _say(self, what: Any, *, later: bool = False) -> Any:
        if self._conversation is None:
            connect = self._place.connect
            self._conversation = Conversation(connect, self._give_up_after_s)
        return self._conversation.say(what, later=later)

    def _tell(self, what: Any) -> None:
        """Has something said that the service must have heard before the search is over."""
        self._raise_refused()
        self._unheard = [answer for answer in self._unheard if not answer.done()]
        self._unheard.append(self._say(what))

    def _wait_until_heard(self) -> None:
        """Waits until the service knows of all that has ended."""
        while not self._is_open(_WAIT_S):
            pass
        self._tell_ends()
        for answer in self._unheard:
            answer.result()

    def _raise_refused(self) -> None:
        """Raises what the service has refused: it would not know what happened."""
        for answer in self._unheard:
            if answer.done():
                answer.result()

    def _is_open(self, wait_s: float) -> bool:
        """Whether the service's study is open; waits for it for some time."""
        if self._known is not None:
            return True
        if self._opening is None:
            open_study = functools.partial(self._open, self._space_of_service())
            self._opening = self._say(open_study)
        try:
            known, trials = self._opening.result(wait_s)
        except concurrent.futures.TimeoutError:
            return False
        except ServiceError:
            self._opening = None
            raise
        lost = known.compare(self._owner, trials)
        self._known = known
        for name in lost:
            self._drop(name)
        self._note_epochs(known)
        return True

    def _space_of_service(self) -> list[Dimension]:
        """The search space of the service's study, which stays as it was at first."""
        space = dimensions(self.hyperparameters.space)
        if self._told is None:
            self._told = [dimension.key for dimension in space]
        return [dimension for dimension in space if dimension.key in self._told]

    def _open(
        self, space: list[Dimension], service: Service
    ) -> tuple[VizierTrials, Any]:
        translation = SpaceTranslation(space, service.has_conditions)
        problem = Problem(
            metric=self.objective.name,
            maximize=self.objective.direction == "max",
            parameters=translation.parameters,
            algorithm=self._algorithm or "",
            stops_early=self._stops_early,
        )
        study = service.open_study(self._study_id or f"tuner-{self._owner}", problem)
        return VizierTrials(self, study, translation), service.trials(study)

    def _suggestion(
        self, trial_id: str, space: list[Dimension], draw: random.Random
    ) -> dict[str, Any]:
        trials, values = self._trials, None
        while self._repeats < _MAX_REPEATS:
            try:
                told = self._ask(trial_id)
            except concurrent.futures.TimeoutError:
                return {"status": _Status.IDLE}
            if self.max_trials and told.others >= self.max_trials:
                if told.trial is not None:  # Another search was quicker.
                    self._drop(told.trial.name)
                return self._nothing_left(told.others)
            if told.trial is None:
                return self._nothing()
            values = trials.translation.values(told.trial.parameters, space, draw)
            if values is None:
                raise ServiceError(
                    "Expected a point of the search space from the service. Received: "
                    f"{dict(told.trial.parameters)}. Choose another study_id."
                )
            if not self._duplicate(values):
                self._repeats = 0
                trials.begin(trial_id, told.trial.name)
                return {"status": _Status.RUNNING, "values": values}
            self._drop(told.trial.name)
            self._repeats += 1
        self._repeats = 0
        tried, is_tried = len(self._tried_so_far), self._duplicate
        found = values and neighbours.nearest(space, values, is_tried, draw)
        found = found or neighbours.untried(space, tried, is_tried, draw)
        return {"status": _Status.RUNNING, "values": found}

    def _nothing_left(self, others: int) -> dict[str, Any]:
        """Says that others have run what this search would have."""
        nothing = self._nothing()
        if nothing["status"] == _Status.STOPPED and len(self.trials) < self.max_trials:
            self.ended_because = (
                f"The searches that share the study {self._study_id!r} have begun "
                f"{others} trials, and max_trials is {self.max_trials}: raise it to go on."
            )
        return nothing

    def _nothing(self) -> dict[str, Any]:
        return {"status": _Status.IDLE if self.ongoing_trials else _Status.STOPPED}

    def _ask(self, trial_id: str) -> Suggestion:
        """Asks the service for a suggestion, unless it was asked already.

        Raises:
            concurrent.futures.TimeoutError: If it has not answered yet.
        """
        self._give_up_suggestion(unless=trial_id)
        return self._suggestions.ask(
            self._trials, self._owner, trial_id, self.max_trials, _WAIT_S
        )

    def _give_up_suggestion(self, unless: str | None = None) -> None:
        """What the service was asked for has no use any more, unless for this trial."""
        if drop := self._suggestions.given_up(self._trials, unless):
            self._tell(drop)

    def _drop(self, name: str) -> None:
        trials = self._trials
        self._tell(lambda service: trials.tell_drop(service, name))

    def _tell_ends(self) -> None:
        trials, self._seen, since = self._trials, len(self.end_order), self._seen
        for trial_id in trials.ended(self.end_order[since:]):
            self._to_stop.discard(trial_id)
            self._tell(functools.partial(trials.tell_end, trial_id=trial_id))

    def _note_epochs(self, known: VizierTrials) -> None:
        """Takes the epochs that were reported, also those before the study was open."""
        while self._early:
            with contextlib.suppress(IndexError):  # Another thread has taken it.
                trial_id, step, value = self._early.popleft()
                if known.epoch(trial_id, step, value):
                    tell = functools.partial(self._tell_epochs, known, trial_id)
                    self._say(tell, later=True)

    def _tell_epochs(
        self, known: VizierTrials, trial_id: str, service: Service
    ) -> None:
        if known.tell_epochs(service, trial_id):
            again = functools.partial(self._tell_epochs, known, trial_id)
            self._say(again, later=True)
        if self._stops_early:
            # It is asked again after the next epoch: results must not wait for that.
            with contextlib.suppress(UnreachableError):
                if service.should_stop(known.names[trial_id]):
                    self._to_stop.add(trial_id)
