"""Studies that never ran: invented journals, of any size and content."""

import json
import math
import random
from pathlib import Path
from typing import Any

from tuner_component.report import folding
from tuner_component.report.record import StudyRecord
from tuner_component.search.journal.journal import Journal
from tuner_component.search.study.history import History

BEGAN = 1_750_000_000.0
ORACLE = "keras_tuner.src.tuners.randomsearch.RandomSearchOracle"
DESCRIPTION = {
    "id": "0123456789abcdef",
    "status": "finished",
    "created": "2025-06-15T15:06:40+0000",
    "finished": "2025-06-15T16:06:40+0000",
    "seed": 7,
    "fingerprint": {"module": "1234"},
    "versions": {"keras": "3.12.0"},
}


def _entry(kind: str, name: str, **config: Any) -> dict[str, Any]:
    common = {"name": name, "default": None, "conditions": []}
    return {"class_name": kind, "config": {**common, **config}}


SPACE = [
    _entry("Int", "units", min_value=8, max_value=64, step=1, sampling="linear"),
    _entry("Float", "rate", min_value=1e-4, max_value=0.1, step=None, sampling="log"),
    _entry("Choice", "activation", values=["relu", "tanh"], ordered=False),
]


def opened(**more: Any) -> dict[str, Any]:
    record = {"kind": "opened", "time": BEGAN, "oracle": ORACLE}
    objective = {"objective_name": "val_loss", "direction": "min", "max_trials": 20}
    return {**record, **objective, **more}


def created(trial_id: str, **more: Any) -> dict[str, Any]:
    record = {"kind": "created", "trial": trial_id, "time": BEGAN, "space": "s"}
    values = {"units": 8, "rate": 0.01, "activation": "relu"}
    return {**record, "values": values, "worker": "worker-0", **more}


def ended(trial_id: str, score: float | None = 0.5, **more: Any) -> dict[str, Any]:
    record = created(trial_id) | {"kind": "ended", "status": "COMPLETED"}
    record |= {"score": score, "best_step": 1, "started": BEGAN, "ended": BEGAN + 60}
    observations = [{"value": [9.0], "step": 0}, {"value": [score, score], "step": 1}]
    metrics = {"val_loss": {"direction": "min", "observations": observations}}
    curves = [{"loss": [1.0, 0.8], "val_loss": [0.9, score]}]
    record |= {"metrics": {"metrics": metrics}, "curves": curves, "message": None}
    return {**record, "notes": {"seed": 3}, **more}


def failed(trial_id: str, message: str, **more: Any) -> dict[str, Any]:
    lost = {"status": "FAILED", "message": message, "metrics": {}, "curves": []}
    return ended(trial_id, None, **{**lost, **more})


def paused(trial_id: str, epoch: int = 2, **more: Any) -> dict[str, Any]:
    record = {"kind": "paused", "trial": trial_id, "worker": "worker-0"}
    times = {"started": BEGAN, "time": BEGAN + 30}
    curve = {"val_loss": [0.9] * (epoch + 1)}
    stopped = {"rule": "oracle", "fit": 0, "epoch": epoch}
    told = {"curves": [curve], "stopped": stopped, "notes": {"seed": 3}}
    return {**record, **times, **told, **more}


def study(*records: dict[str, Any], **description: Any) -> StudyRecord:
    space = {"kind": "space", "space": "s", "entries": SPACE}
    state = {"kind": "", "state": {"space": "s", "values": {}}}
    history = History.of([opened(), space, state, *records])
    return folding.study_record(history, {**DESCRIPTION, **description})


def directory_of_a_study(path: Path, **description: Any) -> Path:
    """Makes a directory with a study whose search has not ended."""
    path.mkdir(parents=True)
    content = {**DESCRIPTION, "format": 1, "status": "running", **description}
    (path / "study.json").write_text(json.dumps(content))
    journal = Journal(str(path / "journal"), content["id"])
    for record in (opened(), created("0"), ended("0")):
        journal.append(record)
    journal.commit()
    return path


def big_study(trials: int, epochs: int = 20, workers: int = 8) -> StudyRecord:
    """A search whose score depends mostly on the rate, with failures and early stops."""
    draw = random.Random(1)
    records = []
    for number in range(trials):
        rate, units = 10 ** draw.uniform(-4, -1), draw.randrange(8, 65)
        values = {
            "units": units,
            "rate": rate,
            "activation": draw.choice(["relu", "tanh"]),
        }
        began = BEGAN + 60 * (number // workers)
        shared = {
            "worker": f"worker-{number % workers}",
            "values": values,
            "started": began,
            "ended": began + draw.uniform(30, 60),
        }
        trial_id = f"{number:04}"
        records.append(created(trial_id, time=began, **_without_times(shared)))
        if number % 25 == 7:
            text = f"Traceback (most recent call last):\n  in f\nValueError: {number}"
            records.append(failed(trial_id, text, **shared))
            continue
        score = (math.log10(rate) + 2.5) ** 2 + units / 640 + draw.gauss(0, 0.05)
        stopped = number % 3 == 0
        seen = epochs // 3 if stopped else epochs
        curve = [score + 2 * math.exp(-e / 5) for e in range(seen)]
        more: dict[str, Any] = {
            "curves": [{"loss": curve, "val_loss": curve}],
            **shared,
        }
        if stopped:
            more["stopped"] = {"rule": "median", "fit": 0, "epoch": seen - 1}
        records.append(ended(trial_id, score, **more))
    return study(*records)


def _without_times(shared: dict[str, Any]) -> dict[str, Any]:
    return {key: shared[key] for key in ("worker", "values")}
