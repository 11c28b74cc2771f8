"""What people asked of a search while it ran, as data and as sentences."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from tuner_component.search.study import times
from tuner_component.search.study.history import History


@dataclasses.dataclass(frozen=True)
class RequestRecord:
    """Something that was asked, and done.

    Attributes:
        request: Its id.
        kind: What was asked.
        time: When it was done, in seconds since the epoch.
        by: Who asked; empty if that is not known.
        trial: The trial that it stops, or that tries what it enqueues; None as long as none
            does.
        values: What it enqueues, the defaults of what was left out included.
        workers: How many trials were to run at a time from then on.
    """

    request: str
    kind: Literal["stop_trial", "stop_search", "enqueue", "workers"]
    time: float
    by: str = ""
    trial: str | None = None
    values: Mapping[str, Any] | None = None
    workers: int | None = None

    @property
    def told(self) -> str:
        """A sentence about it."""
        values = ", ".join(f"{k}={v!r}" for k, v in (self.values or {}).items())
        tries = f"try {values}" + (f" (trial {self.trial})" if self.trial else "")
        what = {
            "stop_trial": f"stop trial {self.trial}",
            "stop_search": "stop the search",
            "enqueue": tries,
            "workers": f"run {self.workers} at a time",
        }[self.kind]
        by = f" by {self.by}" if self.by else ""
        return f"Asked{by} at {times.shown(self.time)}: {what}."


_KINDS: Mapping[str, Literal["stop_trial", "stop_search", "enqueue", "workers"]] = {
    "stop_trial": "stop_trial",
    "stop_search": "stop_search",
    "enqueue": "enqueue",
    "workers": "workers",
}


def request_records(history: History) -> list[RequestRecord]:
    """What was asked of a search, in order; kinds of later releases are left out."""
    asked = history.asked
    return [
        RequestRecord(
            request=request,
            kind=kind,
            time=told["time"],
            by=told.get("by", ""),
            trial=told.get("trial", asked.tried.get(request)),
            values=told.get("values"),
            workers=told.get("workers"),
        )
        for request, told in asked.records.items()
        if (kind := _KINDS.get(told["what"]))
    ]
