"""Which trial trains next: a new point, or one that was paused.

Each trial pauses at its next rung unless nothing else is worth more. A model of curves
says what each paused trial, and each of some hundred new points, would come to if it were
trained to the end. The one that is expected to gain most for its time goes on: by turns
the time until it ends, and the time until it is looked at again.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tuner_component.planner import letting_go
from tuner_component.planner.arrays import Array
from tuner_component.planner.checks import PART, Checks
from tuner_component.planner.convergence import Convergence
from tuner_component.planner.encoding import Encoder
from tuner_component.planner.new_points import NewPoints
from tuner_component.planner.outlook import Outlook
from tuner_component.planner.prospect import Prospect
from tuner_component.planner.rungs import Rungs
from tuner_component.planner.steps import (
    Continue,
    Finished,
    Start,
    Step,
    Wait,
)
from tuner_component.planner.trials import Status, Trial, Trials
from tuner_component.search.epochs import Decision
from tuner_component.search.space.dimensions import Dimension

# When there are no new points left: with what chance of becoming the best a trial goes on.
_WORTH = 0.05
# How many points are spread over the space before the model is asked: one for each
# dimension and two more, within these bounds.
_FEWEST, _MOST = 4, 12
# One of so many points is spread over the space all the same, so that no part of it is
# left out for ever because a few points there were bad.
_EVERY = 8
# Beside epochs of so many seconds, what it takes to begin does not count.
_LONG_S = 60.0


class Planner:
    """Decides for each trial when it trains.

    Tell it all that happens, in order, and it decides the same each time: a planner that
    is told the same again, as after a resume, goes on in the same way.

    Attributes:
        prospect: What was expected of going on at the last decision; None before one.
    """

    def __init__(
        self,
        dimensions: Sequence[Dimension],
        *,
        max_trials: int,
        epochs: int | None = None,
        maximize: bool = False,
        seed: int = 0,
        ending: Convergence | None = None,
        checks: list[Any] | None = None,
    ) -> None:
        """Starts without trials.

        Args:
            dimensions: The search space.
            max_trials: How many points are tried at most.
            epochs: The epochs of a whole training; None if they are not known.
            maximize: Whether larger values are better.
            seed: Decides what is drawn.
            ending: Ends the search before `max_trials`, in the state that it has; None if
                nothing does.
            checks: The trials that were chosen to be trained to the end as checks, before
                an interruption; others are added to it.
        """
        self._encoder, self._rungs = Encoder(dimensions), Rungs(epochs)
        self._trials = Trials(self._rungs)
        self._new_points = NewPoints(self._encoder, self._trials, max_trials, seed)
        self._outlook = Outlook(self._encoder, self._trials, self._rungs, seed)
        self._checks = Checks(
            self._trials, self._outlook, [] if checks is None else checks
        )
        self._sign = -1.0 if maximize else 1.0
        first = min(max(len(self._encoder.dimensions) + 2, _FEWEST), _MOST)
        size = self._encoder.size(1 << 20) or math.inf
        self._first = int(min(first, max(min(max_trials, size) // 3, 1)))
        self._asked: tuple[Any, Start | Continue | None] = (None, None)
        self._ending = ending or Convergence(is_asked=False)
        self.prospect: Prospect | None = None

    # What happened.

    def learn_from(
        self, values: Mapping[str, Any], value: float, epochs: int | None
    ) -> None:
        """Takes a result of an earlier search.

        It tells the model about its point, which may still be tried. One that is not in
        this search space tells nothing.

        Args:
            values: The values of the hyperparameters.
            value: What the trial came to, of the same objective.
            epochs: After how many epochs; None if it was trained to the end.
        """
        if self._encoder.numbers(values) is None:
            return
        name = ("earlier", len(self._trials))
        self._trials.add(name, self._encoder, values, earlier=True)
        whole = self._rungs.epochs or 1
        self.observe(name, epochs or whole, value)

    def start(self, trial: Any, values: Mapping[str, Any]) -> None:
        """A trial of a new point runs."""
        self._trials.add(trial, self._encoder, values)

    def resume(self, trial: Any) -> None:
        """A paused trial runs again."""
        self._checks.take(trial)
        self._set(trial, Status.RUNNING)

    def learn_times(
        self, epoch_s: Mapping[Any, float], start_s: float | None = 0.0
    ) -> None:
        """Takes how long trials take, as far as it is known.

        Args:
            epoch_s: The seconds of an epoch of some trials.
            start_s: The seconds that it takes to begin a trial, or to go on with one that
                has paused: to build its model, for example, and to compile it. None if
                that is not known yet.
        """
        for trial, seconds in epoch_s.items():
            self._trials[trial].epoch_s = seconds
        self._trials.start_s = start_s

    def observe(self, trial: Any, epochs: int, value: float) -> None:
        """Takes the value of a trial after some epochs, at a rung or at its end.

        Args:
            trial: One that was started.
            epochs: How many epochs it has been trained for in all.
            value: The objective after the last of them, or its best so far; NaN if the
                trial has failed or diverged.
        """
        if self._trials[trial].take(epochs, self._sign * value):
            self._trials.seen.append((trial, epochs))

    def pause(self, trial: Any) -> None:
        """A trial has paused: it may be continued."""
        self._set(trial, Status.PAUSED)

    def end(self, trial: Any, whole: bool = False) -> None:
        """A trial has ended, and cannot be continued.

        Args:
            trial: The trial.
            whole: Whether it ended by itself, at its last epoch or before it (as by early
                stopping): its best value is what it comes to. If it is not known how many
                epochs a whole training has, these are at least as many.
        """
        self._set(trial, Status.ENDED)
        known = self._trials[trial]
        if not whole or not known.epochs:
            return
        known.is_whole = True
        self._trials.ended_after = max(self._trials.ended_after, known.epochs)
        if self._rungs.epochs is not None:
            self.observe(trial, self._rungs.epochs, self._sign * known.best)

    def fail(self, trial: Any) -> None:
        """A trial has failed: its point is one to avoid."""
        self.observe(trial, self._trials[trial].epochs + 1, math.nan)
        self.end(trial)

    def revalue(self, value_of: Callable[[Any, int], float], many: int) -> None:
        """Takes other values of all that was observed: they are compared otherwise now.

        Args:
            value_of: The value of a trial after so many epochs.
            many: From how many observations the model learns its parameters at first.
        """
        before = {name: one.forget() for name, one in self._trials.items()}
        for name, epochs in self._trials.seen:
            failed = math.isnan(before[name][epochs])
            value = math.nan if failed else value_of(name, epochs)
            self._trials[name].take(epochs, self._sign * value)
        self._outlook.begin_anew(many)
        self._asked = (None, None)

    # What to do.

    def is_rung(self, epochs: int) -> bool:
        """Whether a trial is looked at after so many epochs."""
        return self._rungs.is_rung(epochs)

    def after_epoch(self, trial: Any, epochs: int, value: float) -> Decision:
        """Takes a value, and says what becomes of the trial.

        It is only looked at after a rung, and if its value is no number. A trial that
        cannot be paused is stopped instead of it.

        Args:
            trial: A running trial.
            epochs: How many epochs it has been trained for in all.
            value: Its best value so far.
        """
        if math.isnan(value) or value * self._sign == math.inf:
            self.observe(trial, epochs, math.nan)
            return Decision.STOP
        if not self.is_rung(epochs):
            return Decision.GO_ON
        self.observe(trial, epochs, value)
        if epochs == self._rungs.epochs:
            return Decision.GO_ON  # It ends by itself.
        if self._is_first():
            goes_on = self._is_better_kept(self._trials[trial], epochs)
            return Decision.GO_ON if goes_on else Decision.PAUSE
        if self._trials[trial].key in self._ending.checks:
            return Decision.GO_ON
        if self._ending.is_over:
            goes_on = trial == self._trials.leader
        elif trial in self._checks.names:
            goes_on = True
        else:
            goes_on = self._best({*self._paused(), trial}) == Continue(trial)
            if goes_on:
                self._checks.take(trial)
        return Decision.GO_ON if goes_on else Decision.PAUSE

    def _is_better_kept(self, trial: Trial, epochs: int) -> bool:
        """Whether one of the first trials goes on at once, though no model chooses yet.

        The best one so far does if it would take longer to begin it again. So does the
        first one of all, from which it is learned how long that takes.
        """
        others = [one for one in self._trials.values() if one is not trial]
        start_s = self._trials.start_s
        if start_s is None:
            return trial.epoch_s < _LONG_S and not any(one.reached for one in others)
        until = self._rungs.after(epochs)
        if (until - epochs) * trial.epoch_s >= start_s:
            return False
        there = [one.reached.get(epochs, math.inf) for one in others]
        return not any(value < trial.reached[epochs] for value in there)

    def next(self, paused: Collection[Any] | None = None) -> Step:
        """What a worker that is free should do.

        Args:
            paused: The paused trials that can be continued; all of them if left out.
        """
        if self._is_first() and (numbers := self._new_points.spread()) is not None:
            return Start(self._encoder.values(numbers))
        best = None
        if self._trials.seen:
            idle = set(self._paused() if paused is None else paused)
            best = None if self._ending.is_over else self._best(idle)
            if self._new_points.is_any_allowed:  # Otherwise it ends as ever.
                self._ending.note(self.prospect, self._trials, self._first)
            if self._ending.is_over:
                leader = self._trials.unfinished_leader
                best = Continue(leader) if leader in idle else None
            elif self._ending.wants_check:
                best = self._check() or best
        if best is not None:
            return best
        return Wait() if self._trials.of_status(Status.RUNNING) else Finished()

    def _check(self) -> Start | None:
        """A point anywhere, to be trained to the end; None if there is none."""
        numbers = self._new_points.spread()
        if numbers is None:
            return None
        self._ending.checks += self._encoder.keys(numbers[None])
        return Start(self._encoder.values(numbers))

    def hopeless(self, paused: Collection[Any] | None = None) -> list[Any]:
        """The paused trials that cannot become the best any more.

        What is best so far is never one of them. As long as no trial was trained to the
        end, nothing is known of what becomes of those that begin slowly.

        Args:
            paused: The trials that are looked at; all that are paused if left out.
        """
        names = list(self._paused() if paused is None else paused)
        if not names or self._is_first() or not self._trials.is_any_whole:
            return []
        self._outlook.learn(())
        views = self._outlook.of(self._vectors(names))
        return letting_go.hopeless(names, views, self._trials.leader)

    @property
    def seen(self) -> Sequence[tuple[Any, int]]:
        """Trials and epochs that were observed, in the order that decisions depend on."""
        return self._trials.seen

    def has_failed(self, trial: Any, epochs: int) -> bool:
        """Whether what was observed of a trial after so many epochs is no number."""
        return math.isnan(self._trials[trial].reached[epochs])

    @property
    def why(self) -> str:
        """How it decides, in a sentence."""
        count = len(self._encoder.dimensions)
        dimensions = f"{count} dimension" + ("s" if count != 1 else "")
        if self._rungs.known == (1,):
            return f"A Gaussian process of {dimensions}; trials have one epoch."
        checks = f"{PART:.0%} of the time goes to checks of what they tell"
        return (
            f"A Gaussian process of {dimensions} and epochs; {self._rungs}; {checks}."
        )

    # How.

    def _set(self, trial: Any, status: Status) -> None:
        self._trials[trial].status = status

    def _paused(self) -> list[Any]:
        return self._trials.of_status(Status.PAUSED)

    def _vectors(self, names: list[Any]) -> Array:
        return self._trials.vectors(names, len(self._encoder.groups))

    def _is_first(self) -> bool:
        """Whether the next point is one of the first, which no model chooses."""
        return len(self._trials) < self._first or not self._trials.seen

    def _best(self, paused: set[Any]) -> Start | Continue | None:
        """What is worth most; None if nothing is worth anything."""
        self._outlook.learn(paused)
        # A trial that does not go on pauses, and its worker asks the same again.
        asked = (self._outlook.state, self._trials.own, paused)
        if self._asked[0] != asked:
            self._asked = (asked, self._computed(paused))
        return self._asked[1]

    def _computed(self, paused: set[Any]) -> Start | Continue | None:
        end = self._trials.horizon
        names = [
            n for n, one in self._trials.items() if n in paused and one.epochs < end
        ]
        names = self._outlook.promising(names, letting_go.PROMISING)
        new = self._new_points.drawn()
        # What runs is expected to gain something as well, but is no candidate.
        running = [n for n in self._trials.of_status(Status.RUNNING) if n not in paused]
        running.sort(key=lambda name: not self._trials[name].epochs)
        every = self._vectors([*names, *running])
        vectors = np.concatenate([every, self._encoder.vectors(new)])
        views = self._outlook.of(vectors)
        begun = sum(self._trials[name].epochs > 0 for name in running)
        self.prospect = self._outlook.prospect(views, len(names) + begun)
        check = self._checks.propose(names, views.deviations[: len(names)])
        if check is not None:
            return Continue(check)
        if not self._new_points.is_any_allowed:
            new = new[:0]
        if not names and not len(new):
            return None
        kept = [*range(len(names)), *range(len(every), len(every) + len(new))]
        vectors, gains, chances = vectors[kept], views.gains[kept], views.chances[kept]
        if not len(new):
            # Nothing else can be done, but this may not be worth it. The best one is
            # always trained to the end.
            leader = self._trials.leader
            worth = (chances >= _WORTH) | [name == leader for name in names]
            if not worth.any():
                return None
            gains = np.where(worth, gains, -np.inf)
        left = self._outlook.seconds_left(names, vectors)
        best = int(np.argmax(gains - np.log(left)))
        if best < len(names):
            return Continue(names[best])
        chosen = new[best - len(names)]
        if self._trials.own % _EVERY == _EVERY - 1:
            spread = self._new_points.spread()
            chosen = chosen if spread is None else spread
        return Start(self._encoder.values(chosen))
