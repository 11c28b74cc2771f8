"""Findings about the best trial: its score, by how much it leads, and if that is noise."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tuner_component.report.judgement.evidence import CLEAR, SURE, Evidence
from tuner_component.report.judgement.finding import (
    Finding,
    Mood,
    difference_text,
    listed,
    percent_text,
    score_text,
)
from tuner_component.report.record import COMPLETED, FAILED, TrialRecord
from tuner_component.search.spelling import counted

# In deviations of the difference of two equal trials.
_FAR, _DOUBTFUL = 10.0, 1.0


def winner(evidence: Evidence) -> Iterator[Finding]:
    """Which trial is the best one, or why none is."""
    study, completed = evidence.study, evidence.completed
    if not completed:
        yield _nothing(evidence)
        return
    if study.best is None:
        text = "The objective is not known, so nobody can say which trial is the best."
        yield Finding("result", text, mood="bad")
        return
    best = study.best
    is_over = study.status == "finished"
    of = f"of {len(completed)} that completed"
    if stopped := sum(bool(trial.stopped) for trial in completed):
        of += f" ({stopped} of them stopped early)"
    place = f"is the best {of}" if is_over else f"leads so far, {of}"
    numbers: dict[str, float] = {
        "completed": len(completed),
        "score": best.score or 0.0,
        **({"stopped": stopped} if stopped else {}),
    }
    if study.front:
        values = {one.name: best.metrics[one.name] for one in study.objectives}
        told = listed([f"{n} {score_text(v)}" for n, v in values.items()], len(values))
        which = (
            f"of {len(study.front)} on the front it is the closest to the ideal point"
            if len(study.front) > 1
            else "no other one is on the front"
        )
        text = (
            f"Trial {best.trial_id} {'is published' if is_over else 'leads so far'}: "
            f"{which}, with {told}."
        )
        numbers = {"front": len(study.front), **values}
    else:
        score = score_text(best.score or 0.0)
        text = f"Trial {best.trial_id} {place}: {evidence.name} {score}."
        if best.trial_id in evidence.confirmed:
            mean, seeds = evidence.confirmed[best.trial_id]
            numbers |= {"mean": mean, "seeds": seeds}
            text = (
                f"Trial {best.trial_id} {place}: {evidence.name} {score_text(mean)} in the "
                f"mean of {counted(seeds, 're-run')} with other seeds ({score} in the "
                "search)."
            )
    if study.shortfall:
        text += f" It is not what was looked for: {study.shortfall}."
    mood: Mood = "bad" if study.shortfall else "good"
    yield Finding("winner", text, numbers, mood, (best.trial_id,))


def _nothing(evidence: Evidence) -> Finding:
    failed = len(evidence.study.with_status(FAILED))
    if not failed:
        return Finding("result", "No trial has completed yet.")
    text = f"No trial has completed; {failed} failed."
    return Finding("result", text, {"failed": failed}, "bad")


def margin(evidence: Evidence) -> Iterator[Finding]:
    """By how much the best trial leads."""
    if not evidence.is_single or not evidence.rivals:
        return
    best, *others = evidence.rivals
    if not others:
        if len(evidence.completed) > 1:
            text = "It is the only one that meets the constraints."
            yield Finding("margin", text)
        return
    second = others[0]
    gain = evidence.gain(best, second)
    _, (reference, _) = evidence.compared(best, second)
    numbers = {"margin": gain, "runner-up": second.score or 0.0}
    names = (best.trial_id, second.trial_id)
    if gain == 0:
        same = "mean" if evidence.are_confirmed(best, second) else "score"
        text = f"The runner-up, trial {second.trial_id}, has the same {same}."
        yield Finding("margin", text, numbers, names=names)
        return
    text = (
        f"It is {difference_text(abs(gain))}{_relative(gain, reference, numbers)} "
        f"{'ahead of' if gain > 0 else 'behind'} the runner-up, trial {second.trial_id}"
    )
    # A confirmed trial may come before one whose single score is better.
    text += "." if gain > 0 else ", whose score is not confirmed by re-runs."
    yield Finding("margin", text, numbers, names=names)


def _relative(gain: float, reference: float, numbers: dict[str, float]) -> str:
    """The difference as a share of what it is compared with, where that makes sense."""
    # A share of a score below zero, or across it, says nothing.
    share = abs(gain) / reference if reference > 0 else math.inf
    if not 0 < share < 10:
        return ""
    numbers["share"] = share
    return f" ({percent_text(share)})"


def default(evidence: Evidence) -> Iterator[Finding]:
    """By how much the best trial is better than the default hyperparameters."""
    trial, best = evidence.default, evidence.study.best
    if not evidence.is_single or best is None:
        return
    if trial is None:
        if evidence.ranges:
            text = (
                "No trial ran with the default hyperparameters, so what the search gained "
                "over them is not known."
            )
            yield Finding("default", text)
        return
    if trial.status == FAILED:
        text = f"The default hyperparameters (trial {trial.trial_id}) failed."
        yield Finding("default", text, names=(trial.trial_id,))
    elif trial.status == COMPLETED and trial.trial_id == best.trial_id:
        text = "It has the default hyperparameters: the search found nothing better."
        yield Finding("default", text, names=(trial.trial_id,))
    elif trial.status == COMPLETED:
        yield _over_default(evidence, best, trial)


def _over_default(evidence: Evidence, best: TrialRecord, trial: TrialRecord) -> Finding:
    gain = evidence.gain(best, trial)
    _, (value, seeds) = evidence.compared(best, trial)
    numbers: dict[str, float] = {"gain": gain, "default": value}
    about = f"trial {trial.trial_id}, {evidence.name} {score_text(value)}"
    if evidence.are_confirmed(best, trial):
        numbers["seeds"] = seeds
        about += f" in the mean of {counted(seeds, 're-run')}"
    if trial.stopped:
        about += ", which was stopped early"
    if trial not in evidence.rivals:
        about += ", which does not meet the constraints"
    if gain == 0:
        text = f"It is no better than the default hyperparameters ({about})."
    else:
        text = (
            f"It is {difference_text(abs(gain))}{_relative(gain, value, numbers)} "
            f"{'better' if gain > 0 else 'worse'} than the default hyperparameters "
            f"({about}){_beside_noise(evidence, best, trial)}."
        )
    names = (best.trial_id, trial.trial_id)
    return Finding("default", text, numbers, "good" if gain > 0 else "plain", names)


def _beside_noise(evidence: Evidence, best: TrialRecord, trial: TrialRecord) -> str:
    """How what is gained compares with chance, if that is known."""
    gain, doubt = evidence.gain(best, trial), evidence.doubt(best, trial)
    if doubt is None or gain <= 0:
        return ""
    if gain > _FAR * doubt:
        return ", far more than the noise"
    return ", more than the noise" if gain > CLEAR * doubt else ", which may be noise"


def noise(evidence: Evidence) -> Iterator[Finding]:
    """Whether the lead is more than chance."""
    if not evidence.is_single or len(evidence.rivals) < 2:
        return
    known = evidence.noise
    if known is None:
        text = (
            "Nothing is known of the noise: too few configurations were trained more than "
            "once. Equal ones may differ by more than the margin."
        )
        yield Finding("noise", text)
        return
    best, second, *_ = evidence.rivals
    gain, doubt = evidence.gain(best, second), evidence.doubt(best, second) or 0.0
    deviation = difference_text(known.deviation)
    most = " or less" if known.is_bound else ""
    text = f"{known.told} differ by about {deviation}{most} (standard deviation)"
    if known.deviation == 0:
        text = (
            f"{known.told} have equal scores: chance plays no part, or the module sets "
            "seeds of its own."
        )
        yield Finding("noise", text, {"deviation": 0.0, "scores": known.scores})
        return
    numbers = {"deviation": known.deviation, "scores": known.scores, "margin": gain}
    # A confirmed trial may come before one whose single score is better.
    verdict = "lead over" if gain > 0 else "difference from"
    verdict += " the runner-up "
    if evidence.leads_clearly or -gain > CLEAR * doubt:
        verdict += "is more than noise."
    elif known.is_bound or abs(gain) > _DOUBTFUL * doubt:
        verdict += "may be noise."
    else:
        verdict += "is within the noise."
    text += f", so the {verdict}"
    found = evidence.study.confirmation
    if known.source == "re-runs" and found and found.probability is not None:
        numbers["probability"] = found.probability
        percent = min(max(round(100 * found.probability), 1), 99)
        sure = f", where {SURE:.0%} would be convincing".replace("%", " %")
        few = "" if evidence.leads_clearly else sure
        text += (
            f" The best is really better with a probability of about {percent} %{few}."
        )
    alike = [trial.trial_id for trial in evidence.alike]
    if alike and not known.is_bound:
        numbers["alike"] = len(alike)
        one = len(alike) == 1
        text += (
            f" By {'its score' if one else 'their scores'} in the search, "
            f"{'trial' if one else 'trials'} {listed(alike)} {'is' if one else 'are'} "
            "within the noise of it."
        )
    mood: Mood = "good" if evidence.leads_clearly else "plain"
    yield Finding("noise", text, numbers, mood, brief=f"The {verdict}")
