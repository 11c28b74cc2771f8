"""What a record of the journal has to look like to be used.

A record's checksum tells that it is as somebody wrote it. That it was a search is told by
its shape: whoever can write to a bucket can make files with checksums.
"""

import math
from collections.abc import Mapping
from typing import Any

_NUMBER = (int, float)
_NOTHING = type(None)
_TRIAL = {"trial": (str,)}
_POINT = {**_TRIAL, "space": (str,), "values": (dict,)}

# What a record of a kind must have, and of which types.
_REQUIRED: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "study": {"seed": (int,), "created": (str,)},
    "opened": {},
    "space": {"space": (str,), "entries": (list,)},
    "created": {**_POINT, "time": _NUMBER},
    "decided": {"text": (str,), "time": _NUMBER},
    "prospect": {"trials": (int,), "gain": _NUMBER, "noise": _NUMBER},
    "began": {**_TRIAL, "worker": (str,), "time": _NUMBER},
    "attempt": _TRIAL,
    "paused": {**_TRIAL, "time": _NUMBER, "curves": (list,), "stopped": (dict,)},
    "retried": {**_TRIAL, "time": _NUMBER},
    "asked": {"request": (str,), "what": (str,), "time": _NUMBER},
    "confirming": {"trials": (list,), "seeds": (int,), "top": (int,)},
    "ended": {**_POINT, "status": (str,), "score": (*_NUMBER, _NOTHING)},
}
# The types of what it may have.
_OPTIONAL: Mapping[str, tuple[type, ...]] = {
    "best_step": (int, _NOTHING),
    "by": (str,),
    "confirms": (str,),
    "curves": (list,),
    "ends": (bool,),
    "ended": (*_NUMBER, _NOTHING),
    "goals": (dict,),
    "made": _NUMBER,
    "max_trials": (int, _NOTHING),
    "message": (str, _NOTHING),
    "metrics": (dict,),
    "notes": (dict,),
    "objective_name": (str,),
    "reached": (list,),
    "reason": (str, _NOTHING),
    "request": (str,),
    "rerun": (int,),
    "seconds": (*_NUMBER, _NOTHING),
    "started": (*_NUMBER, _NOTHING),
    "state": (dict,),
    "stopped": (dict, _NOTHING),
    "trial": (str,),
    "values": (dict,),
    "worker": (str, _NOTHING),
    "workers": (int,),
}
_TYPES = {kind: {**_OPTIONAL, **required} for kind, required in _REQUIRED.items()}
_OF_ANY_KIND = {"state": _OPTIONAL["state"]}
DIRECTIONS = ("min", "max")
PROSPECT = ("trials", "gain", "noise", "seconds")


def fault(record: Mapping[str, Any]) -> str | None:
    """What is wrong with a record; None if it can be used, or if nobody uses its kind."""
    kind = record.get("kind", "")
    if not isinstance(kind, str):
        return f"its kind is {kind!r}"
    required = _REQUIRED.get(kind)
    if required is None:
        return _type_fault(record, _OF_ANY_KIND)
    if missing := required.keys() - record.keys():
        return f"it lacks {', '.join(sorted(missing))}"
    return _type_fault(record, _TYPES[kind]) or _value_fault(kind, record)


def _type_fault(
    record: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]
) -> str | None:
    for name, value in record.items():
        # By exact type: True is no number.
        if name in types and type(value) not in types[name]:
            return f"its {name} is a {type(value).__name__}"
    return None


def _value_fault(kind: str, record: Mapping[str, Any]) -> str | None:
    if kind == "space" and not all(map(_is_hyperparameter, record["entries"])):
        return "one of its entries is no hyperparameter"
    if kind == "opened" and record.get("direction", "min") not in DIRECTIONS:
        return f"its direction is {record['direction']!r}"
    if kind in ("attempt", "retried") and any(
        type(n) is not int for n in record.get("reached", ())
    ):
        return f"what it reached is {record['reached']!r}"
    if kind == "prospect" and not _is_prospect(record):
        return "what it expects is no number of trials and no amount"
    if kind == "paused" and not _is_place(record["stopped"]):
        return f"it was paused at {record['stopped']!r}"
    if kind == "asked" and (lacks := _lacks(record)):
        return f"it asks for {record['what']!r} without {lacks}"
    if kind == "confirming" and any(type(i) is not str for i in record["trials"]):
        return f"it confirms {record['trials']!r}"
    if "confirms" in record and record.get("rerun", 0) < 1:
        return f"its re-run is number {record.get('rerun')!r}"
    if kind != "ended":
        return None
    status, score = record["status"], record["score"]
    if status not in ("COMPLETED", "FAILED"):
        return f"its status is {status!r}"
    if status == "COMPLETED" and (score is None or not math.isfinite(score)):
        return f"its trial completed with the score {score}"
    return None


def _is_hyperparameter(entry: Any) -> bool:
    """Whether it is as KerasTuner describes one: its class, and a configuration."""
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        return False
    config = entry.get("config")
    return isinstance(config, dict) and isinstance(config.get("name"), str)


def _is_prospect(record: Mapping[str, Any]) -> bool:
    """Whether it tells of trials to come, and of amounts that there can be."""
    amounts = (record["gain"], record["noise"], record.get("seconds") or 0.0)
    return record["trials"] > 0 and all(0.0 <= one < math.inf for one in amounts)


def _lacks(record: Mapping[str, Any]) -> str | None:
    """What a record lacks that tells what somebody asked; None if it has all."""
    needed = {"stop_trial": "trial", "enqueue": "values", "workers": "workers"}
    name = needed.get(record["what"])
    return name if name is not None and name not in record else None


def _is_place(stopped: Mapping[str, Any]) -> bool:
    """Whether it tells an epoch of a training, and what stopped that there."""
    numbers = stopped.get("fit"), stopped.get("epoch")
    return isinstance(stopped.get("rule"), str) and all(
        type(number) is int and number >= 0 for number in numbers
    )
