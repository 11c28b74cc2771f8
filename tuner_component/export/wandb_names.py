"""How a study is told to Weights & Biases: names and ids."""

import hashlib
import itertools
import re
from collections.abc import Mapping
from typing import Any

PROJECT = "tuner_component"
# In the configuration of a run, beside the hyperparameters.
TRIAL, CONFIRMS = "tuner_component.trial", "tuner_component.confirms"
ABOUT = frozenset((TRIAL, CONFIRMS))
# In its summary.
CAUSE, BEST = "cause", "tuner_component.best_trial"
STATUS = "tuner_component.status"
EPOCH = "epoch"
_NO_ID = re.compile(r"[^\w-]", re.ASCII)
_LONGEST_ID, _LONGEST_NAME = 64, 250


def run_id(study_id: str, trial_id: str) -> str:
    """The id of a trial's run: always the same, and no other's."""
    whole = f"{study_id}-{trial_id}"
    plain = _NO_ID.sub("_", whole)
    if plain == whole and len(plain) <= _LONGEST_ID:
        return plain
    mark = hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{plain[: _LONGEST_ID - 9]}-{mark}"


def name(text: str) -> str:
    """The name of a hyperparameter or a metric.

    Those that begin with a line are wandb's own.
    """
    plain = text.encode(errors="replace").decode()[:_LONGEST_NAME] or "_"
    return f"x{plain}" if plain.startswith("_") else plain


def config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters, each with a name of its own.

    wandb leaves out hyphens at the ends of such names.
    """
    found: dict[str, Any] = {}
    for key, value in values.items():
        plain = name(key.strip("-")).strip("-")
        names = (f"{plain}_{i}" if i else plain for i in itertools.count())
        free = next(one for one in names if one not in found and one not in ABOUT)
        found[free] = value
    return found


def figures(values: Mapping[str, float]) -> dict[str, float]:
    """Metrics by the names that they have there."""
    return {name(key): value for key, value in values.items()}
