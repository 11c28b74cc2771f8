"""Records of an oracle's trials, each with what has changed in the oracle's state."""

from typing import Any

import keras_tuner

from tuner_component.search.journal.journal import Journal
from tuner_component.search.oracle.restore import Restored
from tuner_component.search.storage import plain

# After so many changes of an oracle's state it is written in full, so that losing one
# file of the journal never costs more than this many.
_FULL_EVERY = 256


class Records:
    """Appends records of one oracle; the state that goes with them is its change."""

    def __init__(
        self, oracle: keras_tuner.Oracle, journal: Journal, restored: Restored
    ) -> None:
        self._oracle = oracle
        self._journal = journal
        self._spaces = restored.spaces
        self._state = restored.state
        self._version = restored.history.version
        self._shadow: dict[str, Any] = {}
        self._seed_state: Any = None
        self._space: tuple[str, dict[str, Any]] | None = None

    def append(self, kind: str, **content: Any) -> None:
        """Appends a record, and with it what changed in the oracle's state.

        Args:
            kind: Of the record.
            content: Further plain data.
        """
        full = kind == "opened"
        record = {"kind": kind, **plain.encode(content)}
        change = self._change(full)
        if change:
            record["state"] = change
        self._journal.append(record)

    def append_trial(self, kind: str, trial: Any, **content: Any) -> None:
        """Appends a record that tells a trial's values, so that it stands on its own."""
        self.append(
            kind,
            trial=trial.trial_id,
            space=self._key(trial.hyperparameters),
            values=trial.hyperparameters.values,
            **content,
        )

    def _key(self, hyperparameters: Any) -> str:
        """The key of a search space, journaled first if it is a new one."""
        key, entries = self._spaces.key(hyperparameters)
        if entries is not None:
            self._journal.append({"kind": "space", "space": key, "entries": entries})
        return key

    def _change(self, full: bool) -> dict[str, Any]:
        change: dict[str, Any] = {}
        if self._oracle._seed_state != self._seed_state:
            self._seed_state = self._oracle._seed_state
            change["seed_state"] = self._seed_state
        hyperparameters = self._oracle.hyperparameters
        space = (self._key(hyperparameters), plain.encode(hyperparameters.values))
        if space != self._space:
            self._space = space
            change["space"], change["values"] = space
        captured = self._state.capture()
        patch = plain.diff(self._shadow, captured)
        if full or patch is not None:
            self._version += 1
            self._shadow = captured
            change["version"] = self._version
            if full or self._version % _FULL_EVERY == 0:
                change["full"] = captured
            else:
                change["patch"] = patch
        return change
