"""The judgement of a study: what to know of it, and what to do next."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tuner_component.report import confirmation
from tuner_component.report.importance import Weights
from tuner_component.report.judgement import (
    course,
    of_effort,
    of_space,
    of_training,
    winner,
)
from tuner_component.report.judgement.evidence import Evidence
from tuner_component.report.judgement.finding import Finding
from tuner_component.report.record import StudyRecord

_FINDINGS = (
    *(winner.winner, winner.margin, winner.default, winner.noise),
    *(course.course, course.decided, course.failed),
)
# What is wrong comes before what could be better, and better trials before certainty.
_ADVICE = (
    *(of_effort.constraints, of_training.failures, of_training.lost),
    *(of_space.at_the_edge, of_training.longer, of_training.first_rung),
    *(
        of_effort.how_long,
        of_effort.certainty,
        of_effort.closer,
        of_space.never_mattered,
    ),
    *(of_effort.cheaper, of_effort.idle),
)


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What a study means.

    Attributes:
        findings: The winner, its margin, over the defaults too, whether that is noise, the
            course of the search, and what decided it. What is not known is not there, or
            says so.
        advice: What to do next, the most urgent first; only what the trials support.
    """

    findings: Sequence[Finding]
    advice: Sequence[Finding]

    @property
    def sentences(self) -> list[str]:
        """All texts, for a terminal: first the findings, then the advice."""
        return [one.text for one in (*self.findings, *self.advice)]


def judge(study: StudyRecord, weights: Weights | None = None) -> Judgement:
    """Says what a study means.

    Args:
        study: With any number of trials, running or finished.
        weights: What `importance.weights` says of it, if that is known already: it takes a
            second or so for a long study.
    """
    evidence = Evidence.of(study, weights)
    findings = [one for find in _FINDINGS for one in find(evidence)]
    if study.confirmation:
        warned = confirmation.warnings(study.confirmation)
        findings += [Finding("re-runs", text, mood="bad") for text in warned]
    return Judgement(findings, [one for find in _ADVICE for one in find(evidence)])
