"""How much longer a search will run, as far as its trials tell."""

import time

from tuner_component.report.record import COMPLETED, FAILED, RUNNING, StudyRecord


def seconds_left(study: StudyRecord, now: float | None = None) -> float | None:
    """About how long a search that runs has still to go, in seconds.

    Trials are taken to go on as long as those that ended, as many at a time as now. What
    a stopping rule, a pause or a retry changes is in the average.

    Args:
        study: The search.
        now: The time, in seconds since the epoch; the clock's if None.

    Returns:
        None if it does not run, if no trial has ended yet, or if nobody knows how many
        there will be.
    """
    running = [t for t in study.with_status(RUNNING) if t.started is not None]
    took = [
        trial.duration_s
        for status in (COMPLETED, FAILED)
        for trial in study.with_status(status)
        if trial.duration_s is not None
    ]
    if study.max_trials is None or study.status == "finished" or not (running and took):
        return None
    mean = sum(took) / len(took)
    now = time.time() if now is None else now
    ended = len(study.with_status(COMPLETED)) + len(study.with_status(FAILED))
    left = max(0, study.max_trials - ended) * mean
    done = sum(min(mean, max(0.0, now - (t.started or now))) for t in running)
    return max(0.0, left - done) / len(running)
