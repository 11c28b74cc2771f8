"""Trainings to the end that check whether what trials begin with tells how they end.

The ends that a model knows are mostly those of trials that began well, and it takes for
granted that the others end badly. Where the first epochs mislead, it would never learn
better. So a part of the time goes to paused trials of whose end the model is least sure,
whatever it expects of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tuner_component.planner.arrays import Array
from tuner_component.planner.outlook import Outlook
from tuner_component.planner.trials import Trials

# This part of all seconds goes to checks. The first one is due when ten trainings to the
# end would have taken as long as the search has: what is easy is found before that.
PART = 0.1


class Checks:
    """Says when a trial is trained to the end as a check, and which one.

    Attributes:
        names: The trials that are, or were, trained to the end for this.
    """

    def __init__(self, trials: Trials, outlook: Outlook, names: list[Any]) -> None:
        """Looks at a search.

        Args:
            trials: Its trials.
            outlook: What is known of them.
            names: Those that were chosen before; others are added to it.
        """
        self._trials, self._outlook, self.names = trials, outlook, names
        self._proposed: Any = None

    def propose(self, names: Sequence[Any], deviations: Array) -> Any:
        """The trial to be trained to the end now; None if none is due.

        Args:
            names: Trials that can go on.
            deviations: How sure it is what each of them comes to.
        """
        self._proposed = None
        if not len(names) or not self._trials.is_horizon_known:
            return None
        name = names[int(np.argmax(deviations))]
        own = [one for one, known in self._trials.items() if not known.earlier]
        seconds = dict(zip(own, self._outlook.epoch_seconds(own), strict=True))
        end = self._trials.horizon
        spent = sum(self._trials[one].epochs * seconds[one] for one in own)
        checks = {*self.names, name}
        for_checks = sum(end * seconds[one] for one in own if one in checks)
        if for_checks <= PART * spent:
            self._proposed = name
        return self._proposed

    def take(self, trial: Any) -> None:
        """A trial goes on: if it is the one that was proposed, it is a check."""
        if trial == self._proposed and trial not in self.names:
            self.names.append(trial)
