"""What a study's journal tells, folded into plain data.

The journal (`journal`) keeps records durably, in order; the history is what they add up
to, in memory only; the ledger, in `search/oracle`, writes what an oracle does as such
records. The history knows nothing of KerasTuner, so that a report can read a study
without it.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner_component.search.goals.goals import Goals
from tuner_component.search.storage import plain
from tuner_component.search.study import confirmation
from tuner_component.search.study import records as records_lib
from tuner_component.search.study.asked import Asked
from tuner_component.search.study.trial_history import TrialHistory

# What a record that no search wrote may end in.
_UNUSABLE = (
    AttributeError,
    IndexError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)

# More trials are not lost with a file of the journal: such ids count something else.
_MOST_LOST = 10_000

_log = logging.getLogger(__name__)


@dataclass
class History:
    """What happened in one study.

    Attributes:
        trials: By id, in the order of their creation.
        end_order: Ids in the order in which trials ended.
        spaces: The distinct search spaces by key: the hyperparameters' configurations.
        study: The record of what the study is, with its seed; empty if that was lost.
        opened: The record of how the search was started; None if there is none.
        objective: Name and direction ("min" or "max") of what is optimized; None if no
            record tells.
        goals: What trials are compared by; None if it is the score alone.
        max_trials: How many trials it may have, by the record of how it was last resumed.
        seed_state: KerasTuner's running seed.
        space: Key of the oracle's own search space; None if it never told.
        values: Values of the oracle's own search space.
        state: The oracle's further state, as `OracleState` captured it.
        version: Number of the state's last change.
        losses: What is known to be missing, a sentence for each loss.
        goes_on: Whether it was finished and has lost something since: the same search
            goes on with it.
        decisions: How the oracle decided to search, in sentences, in order.
        ended_because: Why the oracle ended the search before all trials were run; None
            if it has not, or if the search has gone on since.
        extensions: When the search was given more trials than before, in order: the `time`,
            how many `trials` there were, and the limits `before` (None if there was none)
            and `after`.
        prospect: What the oracle expected of going on, last of all; None if it never said.
        own_ids: Whether the oracle names its trials otherwise than KerasTuner, which
            counts them from 0.
        plan: Which trials are run again to confirm them; None if none is, or if the search
            itself has gone on since.
        reruns: These runs by their ids, in the order of their creation. They are none of
            `trials`: no oracle learns from them.
        asked: What people have asked of the search while it ran.
    """

    trials: dict[str, TrialHistory] = field(default_factory=dict)
    end_order: list[str] = field(default_factory=list)
    spaces: dict[str, list[Any]] = field(default_factory=dict)
    study: dict[str, Any] = field(default_factory=dict)
    opened: dict[str, Any] | None = None
    objective: tuple[str, str] | None = None
    goals: Goals | None = None
    max_trials: int | None = None
    seed_state: Any = None
    space: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    losses: list[str] = field(default_factory=list)
    goes_on: bool = False
    decisions: list[str] = field(default_factory=list)
    ended_because: str | None = None
    extensions: list[dict[str, Any]] = field(default_factory=list)
    prospect: dict[str, Any] | None = None
    own_ids: bool = False
    plan: confirmation.Plan | None = None
    reruns: dict[str, TrialHistory] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> "History":
        """Folds a journal's records."""
        history = cls()
        for record in records:
            fault = records_lib.fault(record)
            try:
                if fault is None:
                    history._fold(record)
            except _UNUSABLE as error:
                fault = repr(error)
            if fault is not None:
                history.lose(
                    f"Record {record.get('seq')} of the journal is none that a search "
                    f"writes ({fault}), and is not used."
                )
        return history

    def is_empty(self) -> bool:
        """Whether no search was ever opened."""
        return self.opened is None and not self.trials

    def unfinished(self) -> list[str]:
        """Ids of the trials that were created and have not ended, oldest first."""
        return [i for i, trial in self.trials.items() if trial.ended is None]

    def unfinished_reruns(self) -> list[str]:
        """Ids of the re-runs that were created and have not ended, oldest first."""
        return [i for i, trial in self.reruns.items() if trial.ended is None]

    def lacks_reruns(self, top: int, seeds: int) -> bool:
        """Whether `top` trials are to be run again, `seeds` times, and were not."""
        ended = (trial.ended for trial in self.trials.values() if trial.ended)
        if not top or all(record["status"] != "COMPLETED" for record in ended):
            return False
        return self.plan is None or self.plan.lacks(top, seeds, self.of_reruns())

    def falls_short_of(self, max_trials: int | None) -> bool:
        """Whether a search that was to have so many trials would have more than this one.

        What counts is how many it was to have: a space may have no more points than it has.

        Args:
            max_trials: How many; None for no limit, or if that is not known.
        """
        return max_trials is not None and max_trials > (
            self.max_trials or len(self.trials)
        )

    def extend(self, max_trials: int, now: float | None) -> None:
        """The search is to have more trials from now on; so it is not over.

        Args:
            max_trials: How many.
            now: When that is, in seconds since the epoch; None if it is not known.
        """
        told = {"before": self.max_trials, "after": max_trials}
        self.extensions.append({"time": now, "trials": len(self.trials), **told})
        self.max_trials = max_trials
        self.plan = self.ended_because = None

    def of_reruns(self) -> confirmation.Results:
        """What came of the re-runs that have ended."""
        return confirmation.collected(
            (rerun.confirms or "", rerun.rerun, rerun.ended["score"])
            for rerun in self.reruns.values()
            if rerun.ended is not None
        )

    def paused(self) -> list[str]:
        """Ids of the trials that are paused, the one that has been for longest first."""
        paused = {i: pause for i, t in self.trials.items() if (pause := t.pause)}
        return sorted(paused, key=lambda trial_id: paused[trial_id]["time"])

    def lost(self) -> list[str]:
        """Ids of trials of which no record is left, by the gaps in KerasTuner's count.

        With ids of another kind there is no telling. Studies of earlier versions do not
        say which kind theirs are, but times and the like are far apart.
        """
        if self.own_ids or not all(is_number(trial_id) for trial_id in self.trials):
            return []
        known = {int(trial_id) for trial_id in self.trials}
        width = max((len(trial_id) for trial_id in self.trials), default=1)
        count = max(known, default=-1) + 1
        if count - len(known) > _MOST_LOST:
            return []
        return [f"{n:0{width}d}" for n in range(count) if n not in known]

    def lose(self, loss: str) -> None:
        """Something is missing: warns of it, and remembers it."""
        _log.warning("%s", loss)
        self.losses.append(loss)

    def _fold(self, record: Mapping[str, Any]) -> None:
        fold = _FOLDS.get(record.get("kind", ""))
        if fold is not None:
            fold(self, record)
        try:
            self._fold_state(record.get("state", {}))
        except _UNUSABLE:
            self.version = -1  # Half of a change: no other one may follow it.
            raise

    def _fold_state(self, state: Mapping[str, Any]) -> None:
        self.seed_state = state.get("seed_state", self.seed_state)
        if "space" in state:
            self.space, self.values = state["space"], plain.decode(state["values"])
        if "full" in state:
            self.state, self.version = state["full"], state["version"]
        elif "patch" in state and state["version"] == self.version + 1:
            # A patch on a state that was lost would lead to one that never was.
            self.state = plain.apply(self.state, state["patch"])
            self.version += 1

    def _fold_study(self, record: Mapping[str, Any]) -> None:
        self.study = self.study or dict(record)

    def _fold_decided(self, record: Mapping[str, Any]) -> None:
        if record.get("ends"):
            self.ended_because = record["text"]
        else:
            self.decisions.append(record["text"])

    def _fold_prospect(self, record: Mapping[str, Any]) -> None:
        self.prospect = {name: record.get(name) for name in records_lib.PROSPECT}

    def _fold_opened(self, record: Mapping[str, Any]) -> None:
        after = record.get("max_trials")
        if self.opened is not None and after and self.falls_short_of(after):
            self.extend(after, record.get("time"))
        self.opened = self.opened or dict(record)
        self.max_trials = after
        if "objective_name" in record and "direction" in record:
            told = record["objective_name"], record["direction"]
            self.objective = self.objective or told
        self._fold_goals(record)

    def _fold_space(self, record: Mapping[str, Any]) -> None:
        self.spaces[record["space"]] = record["entries"]

    def _fold_created(self, record: Mapping[str, Any]) -> None:
        trial = self._trial({**record, "values": plain.decode(record["values"])})
        if trial.confirms is None:
            self.plan = None  # There is another trial to be compared with.
            self.ended_because = None
        self.own_ids = self.own_ids or bool(record.get("own_id"))
        self.asked.created(record)
        trial.created = record["time"]
        trial.worker = record.get("worker")
        # Without a worker it was created ahead, and waits for one.
        trial.started = None if trial.worker is None else trial.created

    def _fold_confirming(self, record: Mapping[str, Any]) -> None:
        names, seeds, top = (record[name] for name in ("trials", "seeds", "top"))
        self.plan = confirmation.Plan(tuple(names), seeds, top)

    def _fold_began(self, record: Mapping[str, Any]) -> None:
        trial = self._known(record["trial"])
        if trial is not None:
            trial.started, trial.worker = record["time"], record["worker"]
            trial.last, trial.excused = bool(record.get("last")), False

    def _fold_stopping(self, record: Mapping[str, Any]) -> None:
        for trial_id in record["trials"]:
            if trial := self._known(trial_id):
                trial.excused = True

    def _fold_attempt(self, record: Mapping[str, Any]) -> None:
        trial = self._known(record["trial"])
        if trial is not None:
            trial.attempts.append(plain.decode(record))

    def _fold_retried(self, record: Mapping[str, Any]) -> None:
        trial = self.trials.get(record["trial"])
        if trial is not None and trial.has_failed:
            trial.retry(record)
            self.end_order.remove(trial.trial_id)
            self.plan = None  # It may be better than those that were confirmed.

    def _fold_ended(self, record: Mapping[str, Any]) -> None:
        self._fold_goals(record)
        ended = plain.decode(record)
        trial = self._trial(ended)
        if trial.ended is None and trial.confirms is None:
            self.end_order.append(trial.trial_id)
        trial.ended = ended
        self.asked.ended(trial.trial_id)
        name, direction = record.get("objective", ("", ""))
        if isinstance(name, str) and direction in records_lib.DIRECTIONS:
            self.objective = self.objective or (name, direction)

    def _fold_goals(self, record: Mapping[str, Any]) -> None:
        """Each result tells the goals, too: the record of the beginning may be lost."""
        if content := record.get("goals"):
            self.goals = Goals.from_json(content)

    def _trial(self, record: Mapping[str, Any]) -> TrialHistory:
        """The trial of a decoded record, which tells its values."""
        trial_id, values = record["trial"], record["values"]
        if not isinstance(values, dict):
            raise TypeError(f"values that are a {type(values).__name__}")
        confirms = record.get("confirms")
        of_its_kind = self.trials if confirms is None else self.reruns
        trial = of_its_kind.setdefault(trial_id, TrialHistory(trial_id, {}, ""))
        trial.values, trial.space = dict(values), record["space"]
        trial.confirms, trial.rerun = confirms, record.get("rerun", 0)
        return trial

    def _known(self, trial_id: str) -> TrialHistory | None:
        """A trial or a re-run; None if the record of its creation is lost."""
        return self.trials.get(trial_id) or self.reruns.get(trial_id)


_FOLDS = {
    "study": History._fold_study,
    "opened": History._fold_opened,
    "space": History._fold_space,
    "created": History._fold_created,
    "decided": History._fold_decided,
    "confirming": History._fold_confirming,
    "prospect": History._fold_prospect,
    "began": History._fold_began,
    "stopping": History._fold_stopping,
    "asked": lambda history, record: history.asked.fold(record),
    "attempt": History._fold_attempt,
    "paused": History._fold_attempt,
    "retried": History._fold_retried,
    "ended": History._fold_ended,
}


def expected_trials(max_trials: int | None, known: int) -> int | None:
    """How many trials there will be; None if it is not known.

    Args:
        max_trials: What the oracle says today.
        known: How many there are: more, if it said something else when they started.
    """
    return max(max_trials, known) if max_trials else None


def node_of(worker: str | None) -> str | None:
    """The node that a worker runs on, by its id; None if all run on one machine.

    Args:
        worker: Its id; on a cluster that is like `worker-3@10.0.0.7`.
    """
    return (worker.partition("@")[2] or None) if isinstance(worker, str) else None


def is_number(trial_id: str) -> bool:
    """Whether an id may be KerasTuner's, which are numbers with zeros in front."""
    # More digits are no count; and Python refuses to read thousands of them.
    return trial_id.isascii() and trial_id.isdecimal() and len(trial_id) < 20
