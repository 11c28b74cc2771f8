"""What a search found."""

import dataclasses
from typing import Any

from tuner_component.search.spelling import counted
from tuner_component.search.study.requests import BY_REQUEST
from tuner_component.search.study.study import Study, StudyState


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """The result of a search, as plain data that can be sent anywhere.

    Attributes:
        completed: The states (`Trial.get_state`) of the completed trials, best first: those
            that are confirmed by the means of their re-runs, then the others by their
            scores.
        failed: Those of the failed trials, in the order of their start.
        unfinished: How many trials were started and have not ended.
        objective: Name of the objective.
        direction: "min" or "max".
        seed: The study's seed.
        found: How the study was found: new, resumed, or finished before.
        complete: Whether there was nothing left to try; False where the time budget
            ended the search.
        front: Ids of the trials of the front, the best one first; empty if none is looked
            for.
        unmet: What the best trial falls short of, for people; None if it is what was
            looked for.
        ended_because: Why it ended before all trials were run, if it did.
        was_stopped: Whether it did because somebody has asked for that.
    """

    completed: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    unfinished: int
    objective: str
    direction: str
    seed: int
    found: StudyState
    complete: bool
    front: list[str] = dataclasses.field(default_factory=list)
    unmet: str | None = None
    ended_because: str | None = None
    was_stopped: bool = False

    @classmethod
    def of(cls, oracle: Any, study: Study, complete: bool) -> "SearchResult":
        """Reads the result off the oracle of a study."""
        # A process that only waits for a result has no use for Keras.
        from keras_tuner.engine import trial as trial_lib

        from tuner_component.search.kerastuner import codec
        from tuner_component.search.oracle import trials

        reruns = oracle.reruns
        known = [t for i, t in oracle.trials.items() if i not in reruns]
        completed = trials.ranked(oracle)
        front, unmet = oracle.ranking.outcome()
        failed = [t for t in known if t.status == trial_lib.TrialStatus.FAILED]
        return cls(
            completed=[codec.encode(trial.get_state()) for trial in completed],
            failed=[codec.encode(trial.get_state()) for trial in failed],
            unfinished=len(known) - len(completed) - len(failed),
            objective=oracle.objective.name,
            direction=oracle.objective.direction,
            seed=study.seed,
            found=study.found,
            complete=complete,
            front=front,
            unmet=unmet,
            ended_because=getattr(oracle, "ended_because", None),
            was_stopped=getattr(oracle, "ended_by", None) == BY_REQUEST,
        )

    @property
    def so_far(self) -> str:
        """How many trials there are, for people: the unfinished ones are kept as well."""
        number = len(self.completed)
        text = (
            f"{counted(number, 'trial')} {'has' if number == 1 else 'have'} completed"
        )
        if self.unfinished:
            verb = "is" if self.unfinished == 1 else "are"
            text += f", and {self.unfinished} {verb} unfinished"
        return text

    @property
    def best_hyperparameters(self) -> dict[str, Any]:
        """Configuration (`HyperParameters.get_config`) of the best trial."""
        return self.completed[0]["hyperparameters"]  # type: ignore[no-any-return]
