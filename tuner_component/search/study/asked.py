"""What people have asked of a search, as its journal tells: see `requests`.

The record that somebody asked is the effect: whoever goes on with the study does what it
says. So a crash before it loses nothing, as the request still waits; and after it nothing
is done twice, as the record has the request's id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner_component.search.storage import plain
from tuner_component.search.study import requests


@dataclass
class Asked:
    """What was asked.

    Attributes:
        records: The records of that by the requests' ids, in order.
        tried: By the ids of those that enqueued a configuration, the trial that tries it.
        unwanted: Ids of the trials that are to end, and have not.
    """

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    tried: dict[str, str] = field(default_factory=dict)
    unwanted: set[str] = field(default_factory=set)

    def fold(self, record: Mapping[str, Any]) -> None:
        """Takes the record that something was asked."""
        told = {**record, "values": plain.decode(record.get("values"))}
        self.records.setdefault(record["request"], told)
        if told["what"] == requests.STOP_TRIAL:
            self.unwanted.add(told["trial"])

    def ended(self, trial_id: str) -> None:
        """A trial has ended; if it is run again, that is another wish."""
        self.unwanted.discard(trial_id)

    def created(self, record: Mapping[str, Any]) -> None:
        """Takes the record of a new trial, which may try what was enqueued."""
        if request_id := record.get("request"):
            self.tried[request_id] = record["trial"]

    def enqueued(self) -> dict[str, dict[str, Any]]:
        """The values that were enqueued and not tried yet, by the requests' ids."""
        return {
            request_id: told["values"]
            for request_id, told in self._of(requests.ENQUEUE).items()
            if request_id not in self.tried
        }

    def ends_search(self, after: int) -> bool:
        """Whether the search is to end.

        Args:
            after: The number of a record. What was asked before has had its effect.
        """
        told = self._of(requests.STOP_SEARCH).values()
        return any(record.get("seq", 0) > after for record in told)

    def _of(self, kind: str) -> dict[str, dict[str, Any]]:
        every = self.records.items()
        return {i: told for i, told in every if told["what"] == kind}
