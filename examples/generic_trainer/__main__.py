"""Writes the data and runs the pipeline."""

from __future__ import annotations

import logging
import sys

from sklearn import datasets

from examples import gallery
from examples.gallery import Run


def pipeline(run: Run) -> int:
    """One Tuner, and five Trainers for what it found."""
    import tensorflow as tf

    from examples.generic_trainer import module, pipeline

    # The runner has all components in this process: nothing has used the CPU before.
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(2)]
    )
    directory = run.root / "data"
    directory.mkdir(exist_ok=True)
    irises = datasets.load_iris(as_frame=True).frame
    irises.to_csv(directory / "irises.csv", index=False)
    logging.getLogger().setLevel(logging.WARNING)
    for how, path in pipeline.run(run.root, directory, run.workers).items():
        print(f"{how}: {(path / module.LOSSES_FILE).read_text()} {path}")
    return 0


if __name__ == "__main__":
    sys.exit(gallery.main("generic_trainer", {"pipeline": pipeline}))
