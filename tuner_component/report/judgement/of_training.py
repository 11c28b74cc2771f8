"""Advice about training: how long, when to stop it, and what to do about failures."""

from __future__ import annotations

import collections
import re
import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from tuner_component.report import importance
from tuner_component.report.judgement.evidence import Evidence
from tuner_component.report.judgement.finding import Finding, percent_text
from tuner_component.report.record import FAILED, TrialRecord
from tuner_component.search import events
from tuner_component.search.spelling import counted

# A rule that stops by rungs ends most trials at the first one, by design: it is no reason
# to worry unless the order there says little about the order at the end.
_RUNGS = ("asha", "hyperband")
_MANY, _LEAST_STOPPED, _LEAST_ENDED = 0.5, 10, 8
_ALIKE_ORDER = 0.5
_TOP = 5
# Failures of one cause that are worth a sentence.
_FAILURES, _FAILED_SHARE = 2, 0.1
_CAUSE = 120

_REMEDIES = (
    (r"no space left|\bdisk\b", "Make space, then run them again: `tuner-component retry`."),
    (r"memory|\boom\b|exhausted|sigkill|\bsignal 9\b", "Offer smaller models or batches, or give each trial more memory."),
    (r"\bnans?\b|\binf\b|infinity|not finite|diverge", "Offer smaller learning rates, or clip gradients."),
    (r"timeout|timed out|time limit|longer than its limit", "Give trials more time, or offer smaller models."),
)  # fmt: skip


def first_rung(evidence: Evidence) -> Iterator[Finding]:
    """Most trials ended at the first rung, and its order says little about the end."""
    study, name = evidence.study, evidence.name
    if study.objective is None:
        return
    stopped = [t for t in study.trials if t.stopped and t.stopped.epoch is not None]
    rungs = [t for t in stopped if t.stopped and t.stopped.rule in _RUNGS]
    if len(rungs) < _LEAST_STOPPED:
        return
    rung = min(t.stopped.epoch or 0 for t in rungs if t.stopped)
    first = [t for t in rungs if t.stopped and t.stopped.epoch == rung]
    total = len(evidence.completed)
    ended = [t for t in evidence.completed if not t.stopped and len(t.executions) == 1]
    early = {t.trial_id: _best_until(t, name, rung, evidence.sign) for t in ended}
    ended = [t for t in ended if early[t.trial_id] is not None]
    if len(first) < _MANY * total or len(ended) < _LEAST_ENDED:
        return
    order = _rank_correlation(
        [early[t.trial_id] or 0.0 for t in ended],
        [evidence.sign * (t.score or 0.0) for t in ended],
    )
    if order is None or order >= _ALIKE_ORDER:
        return
    numbers = {
        "stopped": len(first),
        "completed": total,
        "epochs": rung + 1,
        "ended": len(ended),
        "correlation": order,
    }
    yield Finding(
        "stopping",
        f"{len(first)} of {total} trials were stopped at the first rung, after "
        f"{counted(rung + 1, 'epoch')}. Of the {len(ended)} that were trained to their "
        "end, the order at that epoch says little about the final order (rank correlation "
        f"{order:.1f}). Let trials train for longer before they are judged: grace_epochs.",
        numbers,
    )


def _best_until(trial: TrialRecord, name: str, epoch: int, sign: float) -> float | None:
    """The best value of the objective up to an epoch, larger is better."""
    curve = trial.executions[0].get(name, ())[: epoch + 1]
    return max((sign * value for value in curve if value is not None), default=None)


def _rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Spearman's rank correlation; None if all are equal."""
    if len(set(one)) < 2 or len(set(other)) < 2:
        return None
    return float(np.corrcoef(importance.ranks(one), importance.ranks(other))[0, 1])


def longer(evidence: Evidence) -> Iterator[Finding]:
    """The best trials were still improving when their training ended."""
    if not evidence.is_single:
        return
    top = evidence.rivals[:_TOP]
    known = [
        t
        for t in top
        if t.best_step is not None and len(t.executions) == 1 and t.executions
    ]
    last = [t for t in known if not t.stopped and _ended_at_its_best(t)]
    if len(known) < _TOP or len(last) < _TOP - 1 or top[0] not in last:
        return
    epochs = max(t.epochs for t in last)
    if epochs < 2:
        return
    yield Finding(
        "epochs",
        f"{len(last)} of the best {len(top)} trials were at their best in their last epoch "
        f"(of {epochs}): they were still improving. Train for more epochs.",
        {"last": len(last), "top": len(top), "epochs": epochs},
    )


def _ended_at_its_best(trial: TrialRecord) -> bool:
    longest = max((len(curve) for curve in trial.executions[0].values()), default=0)
    return trial.best_step is not None and trial.best_step == longest - 1


def failures(evidence: Evidence) -> Iterator[Finding]:
    """Many trials failed with the same cause."""
    study = evidence.study
    failed = study.with_status(FAILED)
    groups: dict[str, list[TrialRecord]] = collections.defaultdict(list)
    for trial in failed:
        groups[events.alike(trial.cause or "it left no message")].append(trial)
    ended = len(failed) + len(evidence.completed)
    for group in sorted(groups.values(), key=lambda trials: -len(trials))[:2]:
        if len(group) < max(_FAILURES, _FAILED_SHARE * ended):
            continue
        cause = group[0].cause or "it left no message"
        shown = cause if len(cause) <= _CAUSE else f"{cause[:_CAUSE]} ..."
        numbers: dict[str, float] = {"failed": len(group), "ended": ended}
        text = f"{len(group)} of {ended} trials failed for one reason: {_ended(shown)}"
        text += _in_common(evidence, group, numbers)
        remedy = next(
            (r for words, r in _REMEDIES if re.search(words, cause, re.IGNORECASE)), ""
        )
        text += f" {remedy}" if remedy else ""
        yield Finding("failures", text, numbers, "bad")


def _ended(text: str) -> str:
    """What somebody else wrote, as the end of a sentence."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _in_common(
    evidence: Evidence, group: Sequence[TrialRecord], numbers: dict[str, float]
) -> str:
    """The hyperparameter whose values set these failures apart, in a sentence."""
    if len(group) < 4 or len(evidence.completed) < 8:
        return ""
    for name, one in evidence.ranges.items():
        bad = [one.position(t.hyperparameters.get(name)) for t in group]
        good = [one.position(t.hyperparameters.get(name)) for t in evidence.completed]
        failed = [p for p in bad if p is not None]
        fine = [p for p in good if p is not None]
        if len(failed) < len(group) or len(fine) < len(good):
            continue
        values = [t.hyperparameters[name] for t in group]
        tenths = statistics.quantiles(fine, n=10)
        if min(failed) > tenths[-1]:
            numbers[name] = min(values)
            return f" All of them have a high {name} (at least {min(values):.6g})."
        if max(failed) < tenths[0]:
            numbers[name] = max(values)
            return f" All of them have a low {name} (at most {max(values):.6g})."
    return ""


def lost(evidence: Evidence) -> Iterator[Finding]:
    """Many attempts came to nothing."""
    trials = (*evidence.study.trials, *evidence.study.reruns)
    attempts = [attempt for trial in trials for attempt in trial.attempts]
    gone = [attempt for attempt in attempts if attempt.outcome == "lost"]
    if len(gone) < 3 or len(gone) < 0.1 * len(attempts):
        return
    told = ((attempt.reason or "").strip() or "unknown" for attempt in gone)
    reason, count = collections.Counter(told).most_common(1)[0]
    shown = reason.splitlines()[0][:_CAUSE]
    yield Finding(
        "workers",
        f"{len(gone)} of {len(attempts)} attempts were lost "
        f"({percent_text(len(gone) / len(attempts))}), {count} of them by this: "
        f"{_ended(shown)} Each is trained anew.",
        {
            "lost": len(gone),
            "attempts": len(attempts),
            "count": count,
            "share": len(gone) / len(attempts),
        },
        "bad",
    )
