"""Shows in the terminal what the search was worth, and where to look further."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import tensorflow as tf

from examples.digits import data, pipeline
from examples.penguin import artifacts
from examples.penguin.summary import short
from tuner_component import load_study
from tuner_component.report.record import StudyRecord, TrialRecord

# From no ink to all of it. A pixel is two characters wide, which makes it a square.
_INK = "  ..::--==++**##@"
_DRAWN, _SIDE = 4, 8


def show(root: Path, log: Path, terminal: TextIO) -> bool:
    """Shows the results of the last run.

    Args:
        root: The directory of the pipeline.
        log: What the run printed.
        terminal: Where to show it.

    Returns:
        Whether a model was pushed.
    """
    results = _latest(root, "Tuner", "tuner_results").uri
    study = load_study(results)
    print(_search(study), file=terminal)
    print(_models(root), file=terminal)
    pushed = _latest(root, "Pusher", "pushed_model").custom_properties
    if is_pushed := bool(pushed["pushed"].int_value):
        model = pushed["pushed_destination"].string_value
    else:
        model = "none: it is no better than the first guess"
    places = {
        "report of the search": f"{results}/report.html",
        "pushed model": model,
        "log": str(log),
    }
    node = root / pipeline.NAME / "Tuner"
    commands = {
        "the search, also while it runs": f"tuner-component status {short(node)}",
        "its best hyperparameters": f"tuner-component best {short(node)}",
        "its curves": f"tensorboard --logdir {short(node / '.system' / 'studies')}",
    }
    print("\nWhere to look", file=terminal)
    print(_table([[k, short(v)] for k, v in places.items()]), file=terminal)
    print(_table([[k, v] for k, v in commands.items()]), file=terminal)
    return is_pushed


def _search(study: StudyRecord) -> str:
    """The first and the best trial, and what stopping saved."""
    assert study.best is not None
    stopped = sum(trial.stopped is not None for trial in study.trials)
    epochs = sum(trial.epochs for trial in study.trials)
    whole = len(study.trials) * study.best.epochs
    names = list(study.best.hyperparameters)
    chosen = {"first": study.trials[0], "best": study.best}
    rows = [
        [f"{which} (trial {trial.trial_id})", *_values(trial, names)]
        for which, trial in chosen.items()
    ]
    return (
        f"\nThe search: {len(study.trials)} trials, {stopped} of them stopped early: "
        f"{epochs} epochs instead of {whole}\n"
        + _table([["", "val_loss", "epochs", *names], *rows])
    )


def _values(trial: TrialRecord, names: Sequence[str]) -> list[str]:
    values = [trial.hyperparameters.get(name, "-") for name in names]
    numbers = [f"{v:.2g}" if isinstance(v, float) else str(v) for v in values]
    return [f"{trial.score:.4f}", str(trial.epochs), *numbers]


def _models(root: Path) -> str:
    """Both models on images that neither search nor training used."""
    images, digits = data.read(root / "data", "test")
    answers = {
        name: _answers(_latest(root, component, "model").uri, images)
        for name, component in (
            ("first guess", pipeline.BASELINE),
            ("best of the search", "Trainer"),
        )
    }
    rows = [
        [name, f"{np.mean(said == digits):.1%}", str(np.sum(said != digits))]
        for name, said in answers.items()
    ]
    guess, best = answers.values()
    shown = np.flatnonzero(guess != best)[:_DRAWN]
    legends = [f"{digits[i]}: {guess[i]}, {best[i]}" for i in shown]
    return (
        f"\nOn {len(digits)} images that no step had used before\n"
        + _table([["hyperparameters", "right", "errors"], *rows])
        + "\n\nWhere they differ: what it is, the first guess, the best\n"
        + _drawn(images[shown], legends)
    )


def _answers(model: str, images: np.ndarray) -> np.ndarray:
    """What a model says of images, as a client would ask it."""
    loaded = tf.saved_model.load(f"{model}/Format-Serving")
    examples = tf.constant([data.serialized(image) for image in images])
    digits: np.ndarray = loaded.signatures["serving_default"](examples=examples)[
        "digit"
    ].numpy()
    return digits


def _drawn(images: np.ndarray, legends: Sequence[str]) -> str:
    """Images beside each other, each above its legend."""
    width = 2 * _SIDE + 2
    drawn = [
        ["".join(2 * _INK[int(ink)] for ink in row) for row in image.reshape(_SIDE, -1)]
        for image in images
    ]
    lines = [*zip(*drawn), legends]
    return "\n".join(
        "  " + "".join(part.ljust(width) for part in line).rstrip() for line in lines
    )


def _latest(root: Path, component: str, output: str) -> artifacts.Artifact:
    return artifacts.latest(root, pipeline.NAME, component, output)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  " + "  ".join(text.ljust(w) for text, w in zip(row, widths)).rstrip()
        for row in rows
    )
