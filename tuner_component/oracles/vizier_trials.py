"""The trials of a search, and what they are to a service that suggests trials.

Who a trial is of is in the name of the client that asked for it, which the service keeps: so
after a crash both can be compared, whatever had been said by then.
"""

import math
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search.oracle.trials import is_scored
from tuner_component.vizier.service import (
    OverError,
    Service,
    ServiceError,
    ServiceTrial,
    State,
    UnreachableError,
)
from tuner_component.vizier.space import SpaceTranslation

# So many epochs of a trial wait to be told at most; of more, every second one is left out.
_MOST_WAITING = 64
# So many of them are told in one go.
_MOST_AT_ONCE = 8
# How much of an error the service keeps.
_REASON_LENGTH = 300


class VizierTrials:
    """Keeps what is known of the service's trials. Epochs may come from any thread.

    Args:
        oracle: Whose trials they are of.
        study: The service's name of the study.
        translation: The search space as the service knows it.

    Attributes:
        study: As above.
        translation: As above.
        names: The service's names of the oracle's trials, by their ids.
    """

    def __init__(self, oracle: Any, study: str, translation: SpaceTranslation) -> None:
        self._oracle = oracle
        self._metric: str = oracle.objective.name
        self.study, self.translation = study, translation
        self.names: dict[str, str] = {}
        self._told: set[str] = set()
        # Suggested to this search before it was killed, and not in its journal.
        self._left: dict[str, list[ServiceTrial]] = {}
        self._steps: dict[str, int] = {}
        self._waiting: dict[str, list[tuple[int, float]]] = {}
        self._lock = threading.Lock()

    # After a crash.

    def compare(self, owner: str, trials: Iterable[ServiceTrial]) -> list[str]:
        """Finds those of this search among the service's trials.

        Args:
            owner: What the names of this search's clients begin with.
            trials: All of the study.

        Returns:
            Names of open ones that stand for nothing.
        """
        lost, ended = [], set(self._oracle.end_order)
        for told in sorted(trials, key=lambda trial: trial.number):
            trial_id = trial_of(owner, told.client)
            if trial_id is None:
                continue
            trial = self._oracle.trials.get(trial_id)
            if trial is None:
                if told.state.is_open:
                    self._left.setdefault(trial_id, []).append(told)
            elif trial_id not in self.names and self._means(told, trial):
                self.names[trial_id] = told.name
                self._steps[trial_id] = told.steps
                # One that failed may be running again: its end is still to be told.
                if trial_id in ended and _is_known(told, trial):
                    self._told.add(trial_id)
            elif told.state.is_open:
                lost.append(told.name)
        return lost

    def _means(self, told: ServiceTrial, trial: Any) -> bool:
        known = self.translation.known(told.parameters)
        values = trial.hyperparameters.values
        return known is not None and all(
            name in values and values[name] == value for name, value in known.items()
        )

    def take_left(self, trial_id: str) -> ServiceTrial | None:
        """What was suggested for a trial before the search was killed, if it was."""
        left = self._left.get(trial_id)
        return left.pop(0) if left else None

    # What happens to trials.

    def begin(self, trial_id: str, name: str) -> None:
        """A trial of the service's is one of the search's from now on."""
        self.names[trial_id] = name

    def epoch(self, trial_id: str, step: int, value: float) -> bool:
        """Takes the value after an epoch; returns whether it is news to the service."""
        with self._lock:
            known = step <= self._steps.get(trial_id, 0)
            if known or trial_id not in self.names or not math.isfinite(value):
                return False
            self._steps[trial_id] = step
            waiting = self._waiting.setdefault(trial_id, [])
            waiting.append((step, value))
            if len(waiting) > _MOST_WAITING:
                del waiting[:-1:2]
            return len(waiting) == 1

    def tell_epochs(self, service: Service, trial_id: str) -> bool:
        """Tells the service some of what it has not been told yet of a trial.

        Returns:
            Whether there is more. If epochs are quicker than the service there always is,
            and others have something to say as well.
        """
        with self._lock:
            waiting = self._waiting.get(trial_id, [])[:_MOST_AT_ONCE]
        more = False
        for step, value in waiting:
            try:
                service.measure(self.names[trial_id], self._metric, step, value)
            except OverError:
                return self._drop_waiting(trial_id, math.inf)
            more = self._drop_waiting(trial_id, step)
        return more

    def _drop_waiting(self, trial_id: str, step: float) -> bool:
        with self._lock:
            waiting = self._waiting[trial_id]
            waiting[:] = [told for told in waiting if told[0] > step]
            return bool(waiting)

    def ended(self, trial_ids: Sequence[str]) -> Iterator[str]:
        """Those of these trials whose end is news to the service."""
        for trial_id in trial_ids:
            if trial_id not in self._told:
                self._told.add(trial_id)
                yield trial_id

    def tell_end(self, service: Service, trial_id: str) -> None:
        """Tells the service the end of a trial; done twice, it is done once."""
        trial = self._oracle.trials[trial_id]
        value = float(trial.score) if is_scored(trial) else None
        name = self.names.get(trial_id)
        if name is None:
            self._add(service, trial, value)
            return
        while self.tell_epochs(service, trial_id):
            pass
        try:
            service.complete(name, self._metric, value, _reason(trial))
        except OverError:
            every = {told.name: told.state for told in service.trials(self.study)}
            if every.get(name) is State.INFEASIBLE:
                self._add(service, trial, value)  # It was run again since.

    def tell_drop(self, service: Service, name: str) -> None:
        """Has the service forget a trial that no one runs; done twice, it is done once."""
        try:
            service.drop(name)
        except UnreachableError:
            raise
        except ServiceError:
            if any(told.name == name for told in service.trials(self.study)):
                raise

    def tell_rest(self, owner: str, service: Service) -> None:
        """Has the service forget what it suggested to this search and no one ran."""
        mine = set(self.names.values())
        for told in service.trials(self.study):
            asked = trial_of(owner, told.client) is not None
            if asked and told.state.is_open and told.name not in mine:
                self.tell_drop(service, told.name)

    def _add(self, service: Service, trial: Any, value: float | None) -> None:
        """Adds a trial that the service has not suggested, if it is of its space."""
        parameters = self.translation.told(trial.hyperparameters.values)
        if parameters is None or value is None:
            return
        for told in service.trials(self.study):
            known = told.result == value and told.parameters == parameters
            if known and told.state is State.SUCCEEDED:
                return  # It was told, and the answer was lost.
        service.add(self.study, parameters, self._metric, value)


def _is_known(told: ServiceTrial, trial: Any) -> bool:
    """Whether the service knows how a trial ended."""
    succeeded = told.state is State.SUCCEEDED
    return not told.state.is_open and is_scored(trial) == succeeded


def _reason(trial: Any) -> str:
    if trial.status == trial_lib.TrialStatus.COMPLETED:
        return "no finite score"
    lines = (trial.message or "failed").strip().splitlines()
    return lines[-1][:_REASON_LENGTH] if lines else "failed"


def client_of(owner: str, trial_id: str) -> str:
    """Who asks for a trial: no one has asked by that name before."""
    return f"{owner}-{trial_id}-{uuid.uuid4().hex[:6]}"


def trial_of(owner: str, client: str) -> str | None:
    """The trial that a client of this search has asked for; None if it is none."""
    mine, _, rest = client.partition("-")
    return rest.partition("-")[0] if mine == owner else None
