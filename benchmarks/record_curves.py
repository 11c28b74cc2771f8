"""Records the learning curves that `search_quality` replays.

    python -m benchmarks.record_curves [TASK ...]

trains each task at every point of its space, epoch by epoch, and writes the results to
`benchmarks/curves/<task>.npz`: `loss` (validation loss after each epoch, by the point's
place in the space) and `seconds` (processor time of an epoch there). It takes some ten
minutes per task on one core, and continues where it was stopped.
"""

import os

# One core, so that the time of an epoch does not depend on other work.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import sys
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks import curve_tasks

DIRECTORY = Path(__file__).parent / "curves"
_SAVE_EVERY = 50


def record(task: curve_tasks.Task, limit_s: float) -> bool:
    """Trains at the points not recorded yet; returns whether all points are recorded."""
    shape = tuple(len(values) for values in task.space.values())
    path = DIRECTORY / f"{task.name}.npz"
    if path.exists():
        kept = np.load(path)
        loss, seconds = kept["loss"], kept["seconds"]
    else:
        loss = np.full((*shape, curve_tasks.EPOCHS), np.nan, np.float32)
        seconds = np.full(shape, np.nan, np.float32)
    missing = [
        (at, point)
        for at, point in curve_tasks.points(task.space)
        if np.isnan(seconds[at])
    ]
    began, data = time.monotonic(), task.split()
    for number, (at, point) in enumerate(missing, 1):
        before = time.process_time()
        # The place is the seed: as in a search, no two trials have the same seed.
        seed = int(np.ravel_multi_index(at, shape))
        loss[at] = list(curve_tasks.train(task, point, seed, data))
        seconds[at] = (time.process_time() - before) / curve_tasks.EPOCHS
        late = time.monotonic() - began > limit_s
        if late or number % _SAVE_EVERY == 0 or number == len(missing):
            np.savez_compressed(path, loss=loss, seconds=seconds)
            print(f"{task.name}: {len(missing) - number} points to go", flush=True)
        if late:
            return number == len(missing)
    return True


def main() -> None:
    """Records the tasks that the command line names, or all."""
    warnings.simplefilter("ignore")  # Some points diverge; searches have to avoid them.
    limit = float(os.environ.get("RECORD_SECONDS", "inf"))
    names = sys.argv[1:] or list(curve_tasks.TASKS)
    complete = [record(curve_tasks.TASKS[name], limit) for name in names]
    if not all(complete):
        sys.exit(2)


if __name__ == "__main__":
    main()
