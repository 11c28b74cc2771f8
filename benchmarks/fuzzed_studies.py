"""Searches whose every result is known, and the directories that they leave behind.

Made by the real oracle, journal and study, without a model: the score of a trial is a
function of its hyperparameters. So a reader's answer can be checked for each trial.
"""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner

from tuner_component.report.loading import load_study
from tuner_component.search.journal import journal_file
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.study.fingerprint import study_id
from tuner_component.search.study.study import Study

FINGERPRINT = {"benchmark": "corruption"}
SEED = 11
TRIALS = 12
FORMS = ("appended", "objects", "slots")
# A trial of each kind that is not simply completed, by its id.
_FAILS, _RETRIED = "03", "05"
_SNAPSHOTS = (3, 6)
_SLOTS = 64


@dataclasses.dataclass(frozen=True)
class Original:
    """A directory as it should be.

    Attributes:
        name: What it is, for people.
        root: The directory.
        older: Copies of it from earlier on.
        direction: "min" or "max".
        scores: Scores of the completed trials by their ids.
        values: Their hyperparameters by their ids.
        failed: Ids of the failed trials.
        is_published: Whether it holds what a pipeline publishes.
    """

    name: str
    root: Path
    older: tuple[Path, ...]
    direction: str
    scores: Mapping[str, float]
    values: Mapping[str, Mapping[str, Any]]
    failed: frozenset[str] = frozenset()
    is_published: bool = False


def score(values: Mapping[str, Any], direction: str) -> float:
    """The score of a trial with these hyperparameters."""
    loss = (values["x"] - 0.3) ** 2 + abs(values["y"]) + values["units"] / 100
    return float(loss if direction == "min" else -loss)


def search(directory: Path, direction: str) -> SearchResult:
    """Begins a search, or goes on with it, to its end.

    Raises:
        RuntimeError: It has no end.
    """
    with Study.open(str(directory), FINGERPRINT) as study:
        oracle = DurableOracle.open(_oracle(direction), study)
        for _ in range(3 * TRIALS):
            if not _run_trial(oracle, direction):
                oracle.finish()
                return SearchResult.of(oracle, study, True)
    raise RuntimeError(f"a search of {TRIALS} trials has no end")


def make(
    parent: Path, form: str, direction: str, trials: int, fingerprint: Any = FINGERPRINT
) -> Original:
    """Runs a search, in two runs, and describes it.

    Args:
        parent: The directory for its directories.
        form: Of its journal: one of `FORMS`.
        direction: "min" or "max".
        trials: How many of `TRIALS` have ended; it is finished when all have.
        fingerprint: What the study depends on.
    """
    name = f"{form}-{direction}-{trials}"
    root = parent / name
    older = []
    for numbers in (range(trials // 2), range(trials // 2, trials)):
        with Study.open(str(root), fingerprint, seed=SEED) as study:
            # As on a URI: a local path is as good for reading it.
            study.journal._appends = form == "appended"
            oracle = DurableOracle.open(_oracle(direction), study)
            for number in numbers:
                _run_trial(oracle, direction)
                if number in _SNAPSHOTS:
                    older.append(parent / f"{name}-after-{number}")
                    shutil.copytree(root, older[-1])
            if numbers.stop < trials:
                continue
            if trials < TRIALS:
                oracle.create_trial(
                    "worker-1"
                )  # It is killed in the middle of a trial.
                shutil.copytree(root, parent / "killed")
            else:
                _run_trial(oracle, direction)
                oracle.finish()
    if trials < TRIALS:
        shutil.rmtree(root)
        (parent / "killed").rename(root)
    if form == "slots":
        for directory in (root, *older):
            _make_old(directory, study_id(fingerprint))
    told = load_study(root)
    scores = {t.trial_id: t.score for t in told.completed if t.score is not None}
    values = {t.trial_id: t.hyperparameters for t in told.completed}
    failed = frozenset(t.trial_id for t in told.with_status("FAILED"))
    assert (len(scores), failed) == (trials - 1, {_FAILS})
    return Original(name, root, tuple(older), direction, scores, values, failed)


def published(original: Original, parent: Path) -> Original:
    """The files that a pipeline publishes of a finished search, in one directory."""
    root = parent / f"published-{original.direction}"
    root.mkdir()
    study = load_study(original.root)
    assert study.best is not None
    rows = [
        {"trial_id": trial.trial_id, "score": trial.score, **trial.hyperparameters}
        for trial in study.completed
    ]
    (root / "tuner_results.json").write_text(json.dumps(rows))
    (root / "study.json").write_text(study.to_json())
    values = dict(study.best.hyperparameters)
    best = {"space": study.spaces[study.best.space], "values": values}
    (root / "best_hyperparameters.txt").write_text(json.dumps(best))
    return dataclasses.replace(
        original, name=root.name, root=root, older=(), is_published=True
    )


def _oracle(direction: str) -> keras_tuner.Oracle:
    space = keras_tuner.HyperParameters()
    space.Float("x", -1.0, 1.0)
    space.Float("y", -2.0, 2.0)
    space.Int("units", 1, 64)
    return keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("score", direction),
        max_trials=TRIALS,
        hyperparameters=space,
        seed=1,
    )


def _run_trial(oracle: Any, direction: str) -> bool:
    """Runs a trial; returns whether there was one."""
    trial = oracle.create_trial("worker-0")
    if trial.status != "RUNNING":
        return False
    if trial.trial_id == _RETRIED:
        oracle.attempt_lost(trial.trial_id, "a worker killed by signal 9 (SIGKILL)")
        trial = oracle.create_trial("worker-0")
    if trial.trial_id == _FAILS:
        oracle.fail_trial(trial.trial_id, "ValueError: no such unit")
        return True
    value = score(trial.hyperparameters.values, direction)
    oracle.update_trial(trial.trial_id, {"score": value})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    return True


def _make_old(directory: Path, owner: str) -> None:
    """Makes a study of one file per commit one of the first release.

    It wrote each commit over a slot, and had no checksum in the description.
    """
    description = json.loads((directory / "study.json").read_text())
    for name in ("sha256", "journal"):
        description.pop(name, None)
    (directory / "study.json").write_text(json.dumps(description))
    journal = directory / "journal"
    for number, path in enumerate(sorted(journal.glob("commit-*"))):
        [block] = journal_file.decode(owner, path.read_bytes())[0]
        path.unlink()
        slot = journal / f"slot-{number % _SLOTS:012d}.jsonl"
        slot.write_bytes(_old_block(owner, block))


def _old_block(owner: str, block: journal_file.Block) -> bytes:
    payload = b"".join(line + b"\n" for line in block.lines)
    told = f"{owner} {block.first} {len(block.lines)}\n".encode()
    header = {
        "format": 1,
        "journal": owner,
        "first": block.first,
        "count": len(block.lines),
        "bytes": len(payload),
        "sha256": hashlib.sha256(told + payload).hexdigest(),
    }
    return (json.dumps(header).encode() + b"\n" + payload).ljust(4096, b"\n")
