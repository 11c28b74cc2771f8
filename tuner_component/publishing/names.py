"""Names of hyperparameters that a table of trials has no column for."""

import logging

from tuner_component.results.loading import TUNER_RESULTS_FILE, column_of
from tuner_component.search import events

_log = logging.getLogger(__name__)


class NameWatcher:
    """An observer of a search that warns of hyperparameters with names of columns."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def __call__(self, event: events.Event) -> None:
        """Looks at the names that an event brings."""
        if isinstance(event, events.SearchStarted):
            names = {entry["config"]["name"] for entry in event.space}
        elif isinstance(event, events.TrialStarted):
            names = set(event.values)
        else:
            return
        for name in sorted(names - self._warned):
            self._warned.add(name)
            if (column := column_of(name)) != name:
                _log.warning(
                    "The hyperparameter %r is the column %r of %s, where %r is the "
                    "trial's own. It keeps its name everywhere else. Another name for it "
                    "avoids mistakes.",
                    *(name, column, TUNER_RESULTS_FILE, name),
                )
