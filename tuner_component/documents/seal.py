"""A checksum inside of a JSON object, which shows that the object was changed.

It is over what the object says, not over how it is written: a file that a program
indents, or whose fields it sorts, is still as it was. It protects from accidents, not
from anyone who wants to deceive: it has no key.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

FIELD = "sha256"

_WHOLE_FLOAT = re.compile(r"(?<=\d)\.0(?=[,\]}])")


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same object with its checksum, under `sha256`, in the last place.

    Args:
        content: JSON-compatible.
    """
    return {**_unsealed(content), FIELD: _checksum(content)}


def is_sealed(content: Mapping[str, Any]) -> bool:
    """Whether an object has a checksum, right or wrong. Earlier releases wrote none."""
    return FIELD in content


def is_intact(content: Mapping[str, Any]) -> bool:
    """Whether nothing shows that an object was changed since it was sealed."""
    return FIELD not in content or content[FIELD] == _checksum(content)


def _checksum(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(_unsealed(content), sort_keys=True, separators=(",", ":"))
    # Programs that know one kind of number only write 1 for 1.0.
    canonical = _WHOLE_FLOAT.sub("", canonical)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _unsealed(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != FIELD}
