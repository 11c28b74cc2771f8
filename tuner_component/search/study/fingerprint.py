"""What makes two searches the same study, and what to say when they are not."""

import hashlib
import json
from collections.abc import Mapping

import msgspec

from tuner_component.documents import decoding
from tuner_component.documents.decoding import DecodingError
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files
from tuner_component.search.study import times

STUDY_FILE = "study.json"

# What the parts are called that are the user's code.
_OF_CODE = ("module", "function ", "class ")
# Longer values, checksums mostly, would tell a reader nothing.
_SHOWN_LENGTH = 60


class _Known(msgspec.Struct):
    """What is compared with another study."""

    fingerprint: dict[str, str]
    created: str = ""


def study_id(fingerprint: Mapping[str, str]) -> str:
    """A short, stable name for a fingerprint.

    Args:
        fingerprint: Parts that shape the search (inputs, module, arguments), by name.

    Returns:
        16 hexadecimal digits; the same for the same parts in any order.
    """
    canonical = json.dumps(sorted(fingerprint.items())).encode()
    return hashlib.sha256(canonical).hexdigest()[:16]


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What changed between two fingerprints, a readable phrase for each part."""
    return [
        _phrase(name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def explain_difference(directory: str, fingerprint: Mapping[str, str]) -> str | None:
    """Why a study is new although another stands beside it.

    Args:
        directory: The study's directory; its siblings are looked at.
        fingerprint: The study's fingerprint.

    Returns:
        A sentence that names the most recent other study and the parts that changed
        since; None if there is no other study, or if this one is not new.
    """
    if _read(directory):
        return None
    parent, own_name = _split(directory)
    others = [
        (times.moment(known.created), name, known)
        for name in files.list_names(parent)
        if name != own_name and (known := _read(files.join(parent, name)))
    ]
    if not others:
        return None
    _, name, latest = max(others, key=lambda other: other[:2])
    changed = differences(latest.fingerprint, fingerprint)
    if not changed:
        return None
    told = (
        f"This is a new study: since the study {name} of {latest.created}, these changed: "
        f"{'; '.join(changed)}."
    )
    if all(phrase.startswith(_OF_CODE) for phrase in changed):
        told += (
            " If you only want more trials, undo that and set max_trials: then the "
            f"study {name} goes on."
        )
    return told


def _read(directory: str) -> _Known | None:
    try:
        return decoding.decode(
            files.read_bytes(files.join(directory, STUDY_FILE)), _Known
        )
    except (StorageError, FileNotFoundError, DecodingError):
        return None


def _split(directory: str) -> tuple[str, str]:
    parent, _, name = directory.rstrip("/").rpartition("/")
    return parent or ("/" if directory.startswith("/") else "."), name


def _phrase(name: str, old: str | None, new: str | None) -> str:
    if old is None:
        return f"{name} (added)"
    if new is None:
        return f"{name} (removed)"
    if max(len(old), len(new)) > _SHOWN_LENGTH:
        return name
    return f"{name} (was {old}, is {new})"
