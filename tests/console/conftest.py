"""Studies on disk, for the commands that look at them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import studies
from tuner_component.search.journal.journal import Journal
from tuner_component.search.lock import owner


class Searches:
    """Makes the directories of searches.

    Attributes:
        root: What they are below.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def study(self, where: str, *records: dict[str, Any], **description: Any) -> Path:
        """A study with a journal; `where` ends with its id."""
        path = self.root / where
        path.mkdir(parents=True)
        content = {**studies.DESCRIPTION, "format": 1, "status": "running"}
        content |= {"id": path.name, **description}
        (path / "study.json").write_text(json.dumps(content))
        journal = Journal(str(path / "journal"), path.name)
        space = {"kind": "space", "space": "s", "entries": studies.SPACE}
        for record in (studies.opened(max_trials=10), space, *records):
            journal.append(record)
        journal.commit()
        return path

    def held(self, study: Path, **changed: Any) -> None:
        """Signs the lock of a study, by default as this process would."""
        (study / "lock").write_text(json.dumps({**owner.describe(), **changed}))

    def log(self, study: Path, trial_id: str, text: str) -> Path:
        """Writes the log of a trial."""
        path = study / "trials" / trial_id / "log.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Searches:
    """Below the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return Searches(tmp_path)


def dead() -> int:
    """The id of a process that has ended."""
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def ended(scores: Sequence[float], **more: Any) -> list[dict[str, Any]]:
    """Trials that completed, with two metrics."""
    records: list[dict[str, Any]] = []
    for number, score in enumerate(scores):
        metrics = {
            name: {
                "direction": direction,
                "observations": [{"value": [value], "step": 1}],
            }
            for name, direction, value in (
                ("val_loss", "min", score),
                ("val_accuracy", "max", 1 - score / 10),
            )
        }
        trial_id = f"{number:02}"
        records.append(studies.created(trial_id))
        told = studies.ended(trial_id, score, metrics={"metrics": metrics}, **more)
        records.append(told)
    return records
