"""Writes the data and runs one of the searches."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from examples import gallery
from examples.gallery import Run

_HERE = Path(__file__).resolve().parent
_MODULE = _HERE / "module.py"


def records(run: Run) -> int:
    """TFRecord, Hyperband by a flag, early stopping."""
    from examples.images import digits

    flags = ["--tuner_type=hyperband", "--train_batch_size=64"]
    return run.tune(_MODULE, [digits.write_records(run.root)], flags=flags)


def folder(run: Run) -> int:
    """A folder of JPEGs for each class, Bayesian optimisation."""
    from examples.images import digits

    flags = ["--images=folder", "--tuner_type=bayesian"]
    return run.tune(_MODULE, [digits.write_folder(run.root)], flags=flags)


def mirrored(run: Run) -> int:
    """Each model trained on two devices by MirroredStrategy."""
    from examples.images import digits

    # Of a folder Keras knows how many batches there are, which it has to: see README.md.
    flags = ["--images=folder", "--replicas=2", "--train_batch_size=64", "--trials=2"]
    return run.tune(_MODULE, [digits.write_folder(run.root)], flags=flags)


def transfer(run: Run) -> int:
    """A pretrained backbone, first frozen, then not."""
    from examples.images import digits, transfer

    images, labels = digits.pictures()
    known = labels < transfer.CLASSES
    backbone = run.root / "backbone.keras"
    if not backbone.exists():  # Else the search, run again, would be another one.
        transfer.pretrain(images[known], labels[known], backbone)
    arrays = run.root / "digits.npz"
    np.savez(arrays, image=images[~known], digit=labels[~known] - transfer.CLASSES)
    return run.tune(_HERE / "transfer.py", [arrays], flags=[f"--backbone={backbone}"])


def script(run: Run) -> int:
    """The same from a script; the best model is saved and loaded again."""
    from examples.images import script

    script.search(run.root, run.workers)
    return 0


if __name__ == "__main__":
    searches = [records, folder, mirrored, transfer, script]
    sys.exit(gallery.main("images", {one.__name__: one for one in searches}))
