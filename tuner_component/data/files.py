"""The files of a split, as TFX hands them to the user's functions."""

from collections.abc import Sequence
from typing import Any

_SPLITS = ("train", "eval")


def patterns(fn_args: Any, split: str) -> Sequence[str]:
    """Returns the file patterns of a split.

    Raises:
        ValueError: If there is no such split.
    """
    if split not in _SPLITS:
        raise ValueError(
            f"Expected one of the splits {', '.join(_SPLITS)}. Received: {split!r}. Which "
            "splits of the examples they are is said in train_args and eval_args."
        )
    found: Sequence[str] = getattr(fn_args, f"{split}_files")
    return found
