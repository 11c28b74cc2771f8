"""Asking a service for suggestions, one at a time, without waiting for it for long."""

import concurrent.futures
import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from tuner_component.oracles.vizier_trials import VizierTrials, client_of
from tuner_component.vizier.service import Service, ServiceError, ServiceTrial


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """What the service suggests.

    Attributes:
        trial: A trial; None if it has no more, or if all were begun that there are to be.
        others: How many trials were suggested before, to anyone who shares the study.
    """

    trial: ServiceTrial | None
    others: int


class Suggestions:
    """Knows what the service was asked for and has not answered yet.

    Args:
        say: Has something said to the service, and returns the answer to come.
        is_shared: Whether others have trials in the study as well.
    """

    def __init__(
        self,
        say: Callable[[Callable[[Service], Any]], "concurrent.futures.Future[Any]"],
        is_shared: bool,
    ) -> None:
        self._say, self._is_shared = say, is_shared
        # For which trial a suggestion was asked for, and the answer to come.
        self._asked: tuple[str, concurrent.futures.Future[Suggestion]] | None = None

    def ask(
        self,
        trials: VizierTrials,
        owner: str,
        trial_id: str,
        most: int | None,
        wait_s: float,
    ) -> Suggestion:
        """Asks for a suggestion, unless that was done already, and waits for it.

        Args:
            trials: The service's.
            owner: Who asks.
            trial_id: The trial that it is for.
            most: Of a shared study: how many trials there are to be at most.
            wait_s: For so long it is waited for.

        Raises:
            concurrent.futures.TimeoutError: If the service has not answered yet.
            ServiceError: If it refuses, or cannot be reached.
        """
        if self._asked is None:
            left, client = trials.take_left(trial_id), client_of(owner, trial_id)
            ask = functools.partial(self._suggest, trials.study, left, client, most)
            self._asked = trial_id, self._say(ask)
        try:
            found = self._asked[1].result(wait_s)
        except ServiceError:
            self._asked = None
            raise
        self._asked = None
        return found

    def given_up(
        self, trials: VizierTrials, unless: str | None = None
    ) -> Callable[[Service], None] | None:
        """What to say if the one that was asked for has no use any more.

        Args:
            trials: The service's.
            unless: The trial for which it is of use.
        """
        if self._asked is None or self._asked[0] == unless:
            return None
        (_, answer), self._asked = self._asked, None

        def drop(service: Service) -> None:
            if answer.exception() is None and (found := answer.result().trial):
                trials.tell_drop(service, found.name)

        return drop

    def _suggest(
        self,
        study: str,
        left: ServiceTrial | None,
        client: str,
        most: int | None,
        service: Service,
    ) -> Suggestion:
        if left is None and self._is_shared and most:
            # What is asked for in vain, each second maybe, costs the service a trial.
            begun = service.trials(study)
            mine = any(trial.client.startswith(client) for trial in begun)
            if len(begun) >= most and not mine:
                return Suggestion(None, len(begun))
        found = left or service.suggest(study, client)
        others = 0
        if found is not None and self._is_shared:
            others = sum(t.number < found.number for t in service.trials(study))
        return Suggestion(found, others)
