"""Learning curves by a formula, for what the recorded tasks do not show."""

import numpy as np

from benchmarks import curve_tasks, replay

_NOISE = 0.02


def late_bloomers(space: curve_tasks.Space = curve_tasks.SMALL) -> replay.Table:
    """A noisy regression whose good configurations show late.

    A small learning rate leads to a low loss, but slowly: after 1, 3 and 9 epochs half of
    the best 1 % of the points are not even among the better 40 %.

    Args:
        space: One of those of the recorded tasks, or a part of it; 672 points if it is
            left out.
    """
    sizes = tuple(len(values) for values in space.values())
    rate, width, depth, l2, batch, activation = np.meshgrid(
        *(np.linspace(0.0, 1.0, size) for size in sizes), indexing="ij"
    )
    floor = 0.25 + 0.2 * rate + 0.12 * abs(width - 0.7) + 0.05 * abs(depth - 0.5)
    floor += 0.04 * l2 + 0.03 * activation + 0.02 * batch
    epochs = np.arange(1, curve_tasks.EPOCHS + 1)
    slowness = 1.0 + 9.0 * (1.0 - rate) ** 0.5
    start = 1.0 - 0.5 * rate[..., None]
    loss = floor[..., None] + start * np.exp(-epochs / slowness[..., None])
    loss += np.random.default_rng(0).normal(0.0, _NOISE, loss.shape)
    seconds = 0.5 + width + 0.5 * depth - 0.25 * batch
    return replay.Table(space, loss, seconds)
