"""What KerasTuner itself reads of a search: for tuners that are made again, by hand.

A study keeps its trials in its journal. People who know KerasTuner make the same tuner
once more, in the same directory, and ask it for `get_best_models` or `results_summary`. It
finds there what KerasTuner would have written: `oracle.json`, `tuner0.json`, and a
`trial.json` for each trial. No search of this package reads these files. While there are
none, because the search runs or was killed, a note beside the weights says where to look.
"""

import json
import logging
import re
from collections.abc import Iterable
from concurrent import futures
from typing import Any

from tuner_component.search.errors import SearchError, StorageError
from tuner_component.search.kerastuner import codec
from tuner_component.search.oracle import trials
from tuner_component.search.storage import faults, files, names
from tuner_component.search.study.study import Study, StudyState

_WRITTEN = faults.declare(
    "project.trials.written",
    "KerasTuner's files of the trials are written, it does not look for them yet",
)

NOTE = "STUDY.txt"
_STATE = re.compile(r"tuner(-slot(?P<slot>\d+))?\.json")
_ORACLE, _TUNER, _TRIAL = "oracle.json", "tuner0.json", "trial.json"
# A search of 10,000 trials waits for disks, or a bucket, not for processors.
_AT_ONCE = 16

_log = logging.getLogger("tuner_component")


def begin(tuner: Any, study: Study) -> None:
    """Leaves the note in the tuner's project, for as long as there is nothing to read.

    Args:
        tuner: The user's; its project is where all processes of the search keep it.
        study: Its study.
    """
    project = _project(tuner)
    text = (
        f"Study {study.id}\n"
        f"The trials of this search are kept in {study.directory}.\n"
        "KerasTuner can read them here once the search is over. Until then:\n"
        f"  tuner-component status {study.directory}\n"
        f'  tuner_component.load_study("{study.directory}").to_frame()\n'
    )
    try:
        if _is_free(project, study.id):
            files.makedirs(project)
            files.write_bytes(files.join(project, NOTE), text.encode())
    except (OSError, SearchError) as error:
        _log.warning("No note is left in %s. %s", project, error)


def write(tuner: Any, oracle: Any, study: Study) -> None:
    """Writes what KerasTuner's `reload` reads; that it fails costs nothing else.

    Args:
        tuner: As the user made it: its class, and that of its own oracle, will be those
            that read it.
        oracle: The durable oracle, when the search is over.
        study: Its study, open.
    """
    project = _project(tuner)
    try:
        known = files.exists(files.join(project, _TUNER))
        if study.found is StudyState.FINISHED and known:
            return
        if not _is_free(project, study.id):
            _log.warning(
                "KerasTuner's files of another search stay in %s. A tuner that is made "
                "there shows that one. This one is in %s.",
                *(project, study.directory),
            )
            return
        _write(project, tuner, oracle, study)
    except Exception as error:  # noqa: BLE001 - also what the user's oracle raises
        _log.warning(
            "A tuner of KerasTuner that is made in %s will not know the trials, which are "
            "in %s: see `tuner-component status`. %r",
            *(project, study.directory, error),
        )


def _project(tuner: Any) -> str:
    return files.join(str(tuner.directory), str(tuner.project_name))


def _is_free(project: str, study_id: str) -> bool:
    """Whether no search is kept in a project but those of this package."""
    if files.exists(files.join(project, NOTE)):
        return True
    return not any(files.exists(files.join(project, n)) for n in (_ORACLE, _TUNER))


def _write(project: str, tuner: Any, oracle: Any, study: Study) -> None:
    reruns = oracle.reruns
    ended = {
        trial_id: trial
        for trial_id, trial in oracle.trials.items()
        if trial_id not in reruns and trial.status in ("COMPLETED", "FAILED")
    }
    _remove_others(project, ended)
    state = _oracle_state(tuner, oracle, ended)
    with futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [pool.submit(_write_trial, project, t) for t in ended.values()]:
            done.result()
    files.write_bytes(files.join(project, _ORACLE), _json(state))
    faults.point(_WRITTEN)
    # Last of all: KerasTuner looks for the others if this is there.
    files.write_bytes(files.join(project, _TUNER), _tuner_state(tuner, study))
    best = trials.ranked(oracle)
    if best and best[0].score != _best_score(oracle, best):
        _log.info(
            "KerasTuner's own tuners rank trials by their scores alone. The best one of "
            "this search is trial %s.",
            best[0].trial_id,
        )


def _write_trial(project: str, trial: Any) -> None:
    directory = files.join(project, f"trial_{names.component(trial.trial_id)}")
    files.makedirs(directory)
    files.write_bytes(files.join(directory, _TRIAL), _json(trial.get_state()))


def _remove_others(project: str, ended: Iterable[str]) -> None:
    """Removes the trials of an earlier search of this package in the same project."""
    own = {f"trial_{names.component(trial_id)}" for trial_id in ended}
    for name in files.list_names(project):
        if name.startswith("trial_") and name not in own:
            files.remove(files.join(project, name, _TRIAL))


def _oracle_state(tuner: Any, oracle: Any, ended: dict[str, Any]) -> dict[str, Any]:
    """The state of an oracle of the class that the user's tuner has."""
    own = getattr(tuner, "replaced_oracle", None)
    if own is not None:  # By one that the class of the user's knows nothing of.
        own.hyperparameters = oracle.hyperparameters
        own._tried_so_far = set(oracle._tried_so_far)
    state: dict[str, Any] = (oracle if own is None else own).get_state()
    return {
        **state,
        "start_order": [i for i in oracle.start_order if i in ended],
        "end_order": [i for i in oracle.end_order if i in ended],
        "ongoing_trials": {},
        "retry_queue": [],
    }


def _tuner_state(tuner: Any, study: Study) -> bytes:
    """What the tuner of this process, or of the first worker that has, saved of itself.

    A worker that came too late for a trial has nothing to save.
    """
    found = {n: _STATE.fullmatch(n) for n in files.list_names(study.directory)}
    places = {n: int(match["slot"] or -1) for n, match in found.items() if match}
    for name in sorted(places, key=places.__getitem__):
        try:
            data = files.read_bytes(files.join(study.directory, name))
            json.loads(data)
        except (FileNotFoundError, StorageError, ValueError):
            continue
        return data
    return _json(tuner.get_state())


def _best_score(oracle: Any, completed: Iterable[Any]) -> float:
    best = max if oracle.objective.direction == "max" else min
    score: float = best(trial.score for trial in completed)
    return score


def _json(state: Any) -> bytes:
    return json.dumps(codec.encode(state)).encode()
