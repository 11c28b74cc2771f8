"""Advice about the effort: idle workers, a search that is too short or too long, noise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from tuner_component.report import timeline
from tuner_component.report.judgement.course import improvements
from tuner_component.report.judgement.evidence import CLEAR, Evidence
from tuner_component.report.judgement.finding import (
    Finding,
    listed,
    percent_text,
)
from tuner_component.search.spelling import counted

_IDLE, _TRIALS_PER_WORKER = 0.25, 3
_FEW = 8
# Nobody runs a trial more often to know which of two good ones is better.
_MOST_SEEDS = 30
# A search is over its prime if so many trials, and this share of them, brought nothing.
_WITHOUT, _SHARE_WITHOUT = 20, 0.5
# It still improves if the last improvement is among this share at its end.
_STILL, _LEAST_STILL = 0.15, 12
# How much less time a trial takes that is worth to be named beside the best one.
_CHEAPER = 0.7


def idle(evidence: Evidence) -> Iterator[Finding]:
    """Workers waited between trials."""
    spans = timeline.spans(evidence.study)
    busy = timeline.busy_share(spans)
    workers = {span.worker for span in spans}
    if (
        busy is None
        or 1 - busy < _IDLE
        or len(spans) < _TRIALS_PER_WORKER * len(workers)
    ):
        return
    seconds = statistics.median(span.ended - span.started for span in spans)
    if len(workers) > 1:
        remedy = "Fewer workers, or an oracle that suggests faster, would do the same."
    else:
        remedy = (
            "An oracle that suggests faster, or trials that last longer, would help."
        )
    yield Finding(
        "workers",
        f"Between trials, {counted(len(workers), 'worker')} "
        f"{'was' if len(workers) == 1 else 'were'} idle {percent_text(1 - busy)} of the "
        f"time; a trial takes {_seconds(seconds)} (median). {remedy}",
        {"idle": 1 - busy, "workers": len(workers), "median": seconds},
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def how_long(evidence: Evidence) -> Iterator[Finding]:
    """Whether to go on."""
    count = len(evidence.completed)
    if not evidence.is_single or not count:
        return
    is_over = evidence.study.status == "finished"
    if count < _FEW:
        if is_over:
            remedy = (
                "The search had no others to try: offer more configurations."
                if evidence.is_exhausted
                else "Run more: a higher max_trials goes on with this search."
            )
            yield Finding(
                "trials",
                f"{counted(count, 'trial')} {'is' if count == 1 else 'are'} too few to say "
                f"what matters, or how much is chance. {remedy}",
                {"completed": count},
            )
        return
    prospect = evidence.study.prospect
    promises = prospect is not None and prospect.gain > prospect.noise
    can_go_on = is_over and not evidence.is_exhausted
    if can_go_on and prospect and promises:
        yield Finding(
            "trials",
            f"{evidence.study.outlook} Give it more trials: a higher max_trials goes on "
            "with this search.",
            {"gain": prospect.gain, "noise": prospect.noise, "trials": prospect.trials},
        )
        return
    order, places = improvements(evidence)
    after = len(order) - 1 - places[-1]
    numbers = {"after": after, "of": len(order)}
    if promises:
        return
    if after >= max(_WITHOUT, _SHARE_WITHOUT * len(order)):
        yield Finding(
            "trials",
            f"{after} of {evidence.which_rivals} came after the one with the best score "
            "and brought nothing: more of the same are unlikely to help. Change the search "
            "space, or be content.",
            numbers,
        )
    elif can_go_on and len(order) >= _LEAST_STILL and after <= _STILL * len(order):
        # Chance alone has the best one among the last ones as often as anywhere else.
        late = [i for i in places if i >= (1 - 2 * _STILL) * len(order)]
        if len(late) > 1:
            numbers["late"] = len(late)
            yield Finding(
                "trials",
                f"The search was still improving when it ended ({len(late)} times in its "
                "last third). Give it more trials: a higher max_trials goes on with it.",
                numbers,
            )


def certainty(evidence: Evidence) -> Iterator[Finding]:
    """How to find out whether the lead is real, or what to choose if it is not."""
    known = evidence.noise
    if not evidence.is_single or len(evidence.rivals) < 2 or evidence.leads_clearly:
        return
    if known is not None and known.deviation == 0:
        return  # Other seeds would change nothing.
    if evidence.study.confirmation is None and (
        known is None or known.source != "re-runs"
    ):
        yield Finding(
            "noise",
            "To know whether the best trial is really better, run the best ones again with "
            "other seeds: confirm_top=3 in TuneArgs, or --confirm-top 3. A finished search "
            "goes on with that.",
        )


def closer(evidence: Evidence) -> Iterator[Finding]:
    """What more re-runs of two confirmed trials would tell."""
    known = evidence.noise
    if known is None or known.source != "re-runs" or len(evidence.rivals) < 2:
        return
    first, second = evidence.rivals[:2]
    if not {first.trial_id, second.trial_id} <= evidence.confirmed.keys():
        return
    gain = evidence.gain(first, second)
    if evidence.leads_clearly or gain <= 0:
        return
    # So many that the difference is clearly more than its deviation.
    deviations = CLEAR * known.deviation / gain
    wanted = 2 * deviations * deviations  # A power that is too large would raise.
    seeds = math.ceil(min(wanted, _MOST_SEEDS + 1))
    seeds = max(seeds, evidence.confirmed[first.trial_id][1] + 1)
    names = (first.trial_id, second.trial_id)
    if seeds > _MOST_SEEDS:
        text = (
            f"Trials {first.trial_id} and {second.trial_id} are as good as each other, as "
            "far as re-runs can tell. Take either."
        )
        yield Finding("noise", text, names=names)
        return
    text = (
        f"To know which of trials {first.trial_id} and {second.trial_id} is better takes "
        f"about {seeds} re-runs of each: confirm_seeds={seeds}. Or take either."
    )
    yield Finding("noise", text, {"seeds": seeds}, names=names)


def cheaper(evidence: Evidence) -> Iterator[Finding]:
    """A trial that is as good within the noise, and faster to train."""
    known, best = evidence.noise, evidence.study.best
    if known is None or known.is_bound or best is None or not best.duration_s:
        return
    found = [
        (trial.duration_s, trial)
        for trial in evidence.alike
        if trial.duration_s and not trial.stopped and trial.epochs >= best.epochs
    ]
    if not found:
        return
    seconds, trial = min(found, key=lambda pair: pair[0])
    if seconds > _CHEAPER * best.duration_s:
        return
    share = 1 - seconds / best.duration_s
    yield Finding(
        "choice",
        f"Trial {trial.trial_id} is as good within the noise, and trained in "
        f"{percent_text(share)} less time: a cheaper choice.",
        {"share": share},
        names=(trial.trial_id, best.trial_id),
    )


def constraints(evidence: Evidence) -> Iterator[Finding]:
    """No trial is as it was wanted."""
    study, goals = evidence.study, evidence.study.goals
    if study.best is None or goals is None or len(evidence.completed) < _FEW:
        return
    if not goals.violation(study.best.metrics):
        return
    yield Finding(
        "constraints",
        f"None of {len(evidence.completed)} trials meets {listed(list(study.constraints))}. "
        "Loosen the constraints, or offer configurations that can meet them.",
        {"completed": len(evidence.completed)},
        "bad",
    )
