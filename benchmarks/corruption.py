"""Damages studies and what is published of them, and asks every reader what it sees.

Studies of 12 trials, finished and interrupted, minimizing and maximizing, with a journal
of appended commits, of one file per commit (as in a bucket) and of the first release; and
the files of the artifacts. Each gets one random mutation (see `mutations`); then they are
read: `load_study`, the commands `status`, `best` and `report`, opening the study and going
on with its search to the end; of what is published the three files. Each answer is one of:

- `right`: all that was there, and the right best trial;
- `said`: something is missing, and a warning says so. What is there is right, and the best
  of it is best. Or two published files contradict each other, and a warning says that;
- `refused`: an error that says what was expected and received;
- `silent_loss`: a trial, or the seed, is missing or another, without a word;
- `wrong_best`: another trial is best without a word, or one that is not the best of what
  was read, or a trial has another score than it had;
- `traceback`: any other error.

What a person may edit counts as right if it passes the checks: the values in
`best_hyperparameters.txt`. The end of a journal of the first release cannot be checked: a
warning that says so is enough.

Goal: of 2,000 mutations no silent loss, no wrong best, no traceback.

    python -m benchmarks.corruption [--quick] [--check] [--mutations N] [--seed N]
        [--only N] [--directory DIR]
"""

import argparse
import collections
import contextlib
import dataclasses
import io
import json
import logging
import os
import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import fuzzed_studies, harness
from benchmarks.fuzzed_studies import SEED, TRIALS, Original
from benchmarks.mutations import Mutation, Target, mutate
from tuner_component.cli import main as cli
from tuner_component.report.loading import load_study
from tuner_component.results.loading import (
    load_best_hyperparameters,
    load_tuner_results,
)
from tuner_component.search.study.study import Study

FAULTS = ("silent_loss", "wrong_best", "traceback")
_ALLOWED = (ValueError, OSError, RuntimeError)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a reader tells of a search.

    Attributes:
        scores: Scores of the completed trials by their ids.
        failed: Ids of the failed trials; None if it does not tell.
        best: Score of the best trial; None if it names none.
        seed: The study's seed; None if it does not tell.
        values: Hyperparameters of the completed trials by their ids.
        goes_on: Whether new trials may be among them.
    """

    scores: Mapping[str, float]
    failed: frozenset[str] | None
    best: float | None
    seed: int | None = None
    values: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    goes_on: bool = False


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of asking one reader.

    Attributes:
        mutation: The mutation's number.
        study: Name of what was damaged.
        damage: How.
        reader: Name of the reader.
        answer: See the top of this module.
        detail: What it said.
    """

    mutation: int
    study: str
    damage: Mutation
    reader: str
    answer: str
    detail: str

    def __str__(self) -> str:
        how = f"{self.damage.kind} {self.damage.file} {self.damage.detail}"
        return (
            f"{self.mutation}: {self.answer} by {self.reader} of {self.study}, "
            f"{how}: {self.detail[:300]}"
        )


Reader = Callable[[Path, Original], Seen | None]


def read_study(directory: Path, original: Original) -> Seen:
    study = load_study(directory)
    return Seen(
        scores={t.trial_id: t.score for t in study.completed if t.score is not None},
        failed=frozenset(t.trial_id for t in study.with_status("FAILED")),
        best=study.best.score if study.best else None,
        seed=study.seed,
        values={t.trial_id: t.hyperparameters for t in study.completed},
    )


def read_status(directory: Path, original: Original) -> Seen | None:
    told = json.loads(_command("status", str(directory), "--json"))
    # It names no trial but the best. So the others are taken on trust, if all are there.
    whole = told["completed"] == len(original.scores)
    best = told["best"]
    scores = (
        original.scores if whole else {best["trial"]: best["score"]} if best else {}
    )
    failed = original.failed if told["failed"] == len(original.failed) else frozenset()
    return Seen(scores, failed, best["score"] if best else None)


def read_best(directory: Path, original: Original) -> Seen | None:
    values = json.loads(_command("best", str(directory), "--format", "json"))
    value = fuzzed_studies.score(values, original.direction)
    whole = value == _best(original.scores.values(), original.direction)
    return Seen(original.scores if whole else {}, None, value if whole else None)


def reopen(directory: Path, original: Original) -> Seen:
    with Study.open(str(directory), fuzzed_studies.FINGERPRINT) as study:
        ended = [r for r in study.journal.records() if r.get("kind") == "ended"]
        done = {r["trial"]: r for r in ended if r["status"] == "COMPLETED"}
        scores = {trial: record["score"] for trial, record in done.items()}
        return Seen(
            scores=scores,
            failed=frozenset(r["trial"] for r in ended if r["status"] == "FAILED"),
            best=_best(scores.values(), original.direction),
            seed=study.seed,
            values={trial: record["values"] for trial, record in done.items()},
        )


def go_on(directory: Path, original: Original) -> Seen:
    result = fuzzed_studies.search(directory, original.direction)
    completed = {t["trial_id"]: t for t in result.completed}
    return Seen(
        scores={i: t["score"] for i, t in completed.items()},
        failed=frozenset(t["trial_id"] for t in result.failed),
        best=result.completed[0]["score"],
        seed=result.seed,
        values={i: t["hyperparameters"]["values"] for i, t in completed.items()},
        goes_on=True,
    )


def read_again(directory: Path, original: Original) -> Seen:
    """What the study tells after its search went on."""
    return dataclasses.replace(read_study(directory, original), goes_on=True)


def read_results(directory: Path, original: Original) -> Seen:
    rows = load_tuner_results(directory)
    return Seen(
        scores={row.trial_id: row.score for row in rows},
        failed=None,
        best=rows[0].score if rows else None,
        values={row.trial_id: row.hyperparameters for row in rows},
    )


def read_hyperparameters(directory: Path, original: Original) -> None:
    load_best_hyperparameters(directory)


class ReportReader:
    """Draws reports, which takes longer than all else: each once, and so many at most."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._drawn: set[str] = set()

    def __call__(self, directory: Path, original: Original) -> None:
        content = load_study(directory).to_json()
        if self._left and content not in self._drawn:
            self._left -= 1
            page = directory.with_name("report.html")
            _command("report", str(directory), "--output", str(page))
            self._drawn.add(content)


WRITERS = (reopen, go_on)
STUDIES: tuple[Reader, ...] = (
    *(read_study, read_status, read_best, reopen, go_on, read_again),
)
PUBLISHED: tuple[Reader, ...] = (read_study, read_results, read_hyperparameters)


def ask(
    reader: Reader, directory: Path, original: Original, before: str = ""
) -> tuple[str, str]:
    """Asks a reader.

    Args:
        reader: The reader.
        directory: What it reads.
        original: As it was before the damage.
        before: What was said of the damage already, to the same person.

    Returns:
        Its answer, as at the top, and what was said.
    """
    with _listening() as said:
        try:
            seen = reader(directory, original)
        except _ALLOWED as error:
            is_clear = str(error).startswith("Expected") and "Received" in str(error)
            answer = "refused" if is_clear else "traceback"
            return answer, f"{type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001
            return "traceback", f"{error!r} at {_place(error)}"
    text = " | ".join(filter(None, [before, *said]))
    if seen is None:
        return "right", text
    return judge(original, seen, bool(text)), text


def judge(original: Original, seen: Seen, said: bool) -> str:
    """What an answer is worth."""
    direction = original.direction
    if _is_wrong(original, seen):
        return "said" if said and original.is_published else "wrong_best"
    lost = [t for t, value in original.scores.items() if seen.scores.get(t) != value]
    lost += sorted(original.failed - seen.failed) if seen.failed is not None else []
    lost += ["its seed"] if seen.seed not in (None, SEED) else []
    expected = _best(original.scores.values(), direction)
    if seen.goes_on:
        expected = _best(seen.scores.values(), direction)
    if not lost and seen.best == expected:
        return "right"
    if said:
        return "said"
    return "silent_loss" if seen.best in (None, expected) else "wrong_best"


def _is_wrong(original: Original, seen: Seen) -> bool:
    """Whether something is told that never was."""
    direction = original.direction
    for trial, value in seen.scores.items():
        known = original.values.get(trial)
        values = seen.values.get(trial, known)
        is_same = value == original.scores.get(trial) and values == known
        # A search that goes on gives new trials for those that it lost.
        is_new = seen.goes_on and fuzzed_studies.score(values, direction) == value
        if not is_same and not is_new:
            return True
    best = _best(seen.scores.values(), direction)
    return seen.best is not None and seen.best != best


def originals(parent: Path, forms: Iterable[str]) -> Iterator[Original]:
    """All that is to be damaged."""
    for direction in ("min", "max"):
        for form in forms:
            finished = fuzzed_studies.make(parent, form, direction, TRIALS)
            yield finished
            yield fuzzed_studies.make(parent, form, direction, TRIALS * 2 // 3)
        yield fuzzed_studies.published(finished, parent)


def fuzz(
    parent: Path,
    numbers: Iterable[int],
    seed: int = 0,
    forms: Iterable[str] = fuzzed_studies.FORMS,
    reports: int = 0,
) -> Iterator[Verdict]:
    """Damages one directory after another.

    Args:
        parent: An empty directory.
        numbers: Of the mutations. One is the same whatever others there are.
        seed: Of all mutations.
        forms: Of the journals: see `fuzzed_studies.FORMS`.
        reports: How many reports are drawn at most, of those that are read.
    """
    sources = list(originals(parent, forms))
    report = ReportReader(reports)
    foreign = fuzzed_studies.make(parent, "objects", "min", 5, {"benchmark": "other"})
    for number in numbers:
        chance = random.Random(f"{seed} {number}")
        original = sources[number % len(sources)]
        older = original.older or tuple(s.root for s in sources if not s.older)
        damaged = parent / "damaged" / "study"
        shutil.rmtree(damaged.parent, ignore_errors=True)
        shutil.copytree(original.root, damaged)
        damage = mutate(Target(damaged, older, (foreign.root, older[0]), chance))
        said = ""
        for reader in PUBLISHED if original.is_published else (*STUDIES, report):
            directory = damaged
            if reader in WRITERS:  # What one has mended, the next would not see.
                directory = damaged.with_name(_name(reader))
                shutil.copytree(damaged, directory, symlinks=True)
            if reader is read_again:
                directory = damaged.with_name(_name(go_on))
            else:
                said = ""
            answer, said = ask(reader, directory, original, said)
            yield Verdict(number, original.name, damage, _name(reader), answer, said)


def _name(reader: Reader) -> str:
    return getattr(reader, "__name__", type(reader).__name__)


def _best(scores: Iterable[float], direction: str) -> float | None:
    return (min if direction == "min" else max)(scores, default=None)


def _command(*arguments: str) -> str:
    """Runs a command of `tuner-component`; returns what it printed.

    Raises:
        ValueError: It failed, with the message that it printed.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main(arguments)
    if status:
        raise ValueError(err.getvalue().removeprefix("tuner-component: "))
    return out.getvalue()


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    """Collects what is logged as a warning, in place of printing it."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tuner_component")
    logger.addHandler(handler)
    propagates, logger.propagate = logger.propagate, False
    try:
        yield said
    finally:
        logger.propagate = propagates
        logger.removeHandler(handler)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "tuner_component/" in frame.filename]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else "?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--mutations", type=int, help="how many (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations")
    parser.add_argument("--only", type=int, help="the number of one mutation")
    # No disk is measured, and a search waits for one often.
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    parser.add_argument(
        "--directory", default=memory, help="for the studies (default: %(default)s)"
    )
    arguments = parser.parse_args()
    count = arguments.mutations or (200 if arguments.quick else 2000)
    one = arguments.only
    reports = 10 if arguments.quick else count
    numbers = range(count) if one is None else [one]
    began = time.monotonic()
    answers: collections.Counter[str] = collections.Counter()
    faulty: dict[str, set[int]] = collections.defaultdict(set)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as parent:
        for verdict in fuzz(Path(parent), numbers, arguments.seed, reports=reports):
            answers[verdict.answer] += 1
            if verdict.answer in FAULTS:
                faulty[verdict.answer].add(verdict.mutation)
            if verdict.answer in FAULTS or one is not None:
                print(verdict, flush=True)
    figures = {
        "mutations": len(numbers),
        "seed": arguments.seed,
        # Of mutations, by the worst that any reader made of them.
        **{f"{fault}_mutations": len(faulty[fault]) for fault in FAULTS},
        "answers": dict(sorted(answers.items())),
        "seconds": time.monotonic() - began,
    }
    harness.report(arguments, figures, met=not any(faulty.values()))


if __name__ == "__main__":
    main()
