"""Learning curves by formulas, for what the recorded tasks do not show.

Each task is a function, and says what a search has to be good at there. A space may be too
large for a table: a curve is computed when it is asked for.
"""

import functools
from collections.abc import Callable

import numpy as np

from benchmarks import curve_tasks, replay

_EPOCHS = np.arange(1, curve_tasks.EPOCHS + 1)
# How many points tell what can be reached in a space, if there are more.
_SAMPLE = 20_000

# From rows of places, each as a share of the last one, and the places themselves: the
# losses by epoch, without noise, and the seconds of an epoch.
Formula = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Formed:
    """A task whose curves are computed: see `replay.Task`."""

    def __init__(
        self,
        space: curve_tasks.Space,
        formula: Formula,
        noise: float = 0.0,
        conditions: replay.Conditions | None = None,
    ) -> None:
        """Describes a task.

        Args:
            space: Its search space.
            formula: Its curves.
            noise: The deviation of an epoch's loss, drawn once for each point.
            conditions: When hyperparameters are active, if not always.
        """
        self.space, self.conditions = space, conditions or {}
        self._formula, self._noise = formula, noise
        self._sizes = np.array([len(values) for values in space.values()])
        self._curves: dict[tuple[int, ...], tuple[np.ndarray, float]] = {}

    @functools.cached_property
    def _sample(self) -> tuple[np.ndarray, np.ndarray]:
        draw = np.random.default_rng(0)
        places = draw.integers(self._sizes, size=(_SAMPLE, len(self._sizes)))
        if self._sizes.astype(float).prod() <= _SAMPLE:
            places = np.indices(self._sizes).reshape(len(self._sizes), -1).T
        loss, seconds = self._computed(places)
        return loss.min(axis=1), seconds

    @property
    def final(self) -> np.ndarray:
        """What points reach if they are trained to the end."""
        return self._sample[0]

    @property
    def training_s(self) -> float:
        """How long a training to the end takes, in the mean."""
        return float(self._sample[1].mean() * curve_tasks.EPOCHS)

    def target(self, share: float) -> float:
        """The loss that the best points reach; they are this share of all points."""
        return float(np.quantile(self.final, share))

    def curve(self, place: tuple[int, ...]) -> np.ndarray:
        """The loss after each epoch at a point."""
        return self._of(place)[0]

    def epoch_s(self, place: tuple[int, ...]) -> float:
        """How long an epoch takes at a point."""
        return self._of(place)[1]

    def _of(self, place: tuple[int, ...]) -> tuple[np.ndarray, float]:
        if place not in self._curves:
            loss, seconds = self._computed(np.array([place]))
            self._curves[place] = loss[0], float(seconds[0])
        return self._curves[place]

    def _computed(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shares = places / np.maximum(self._sizes - 1, 1)
        loss, seconds = self._formula(shares, places)
        if self._noise:
            # A point has the same curve whenever it is asked for.
            draws = [np.random.default_rng(place.tolist()) for place in places]
            noise = [draw.normal(0.0, self._noise, loss.shape[1]) for draw in draws]
            loss = loss + np.array(noise)
        return loss, seconds


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
    slowness = 1.0 + 9.0 * (1.0 - rate) ** 0.5
    start = 1.0 - 0.5 * rate[..., None]
    loss = floor[..., None] + start * np.exp(-_EPOCHS / slowness[..., None])
    loss += np.random.default_rng(0).normal(0.0, 0.02, loss.shape)
    seconds = 0.5 + width + 0.5 * depth - 0.25 * batch
    return replay.Table(space, loss, seconds)


def tiny() -> Formed:
    """A space of twelve points: a search has to know when it has tried them, and that
    little can be learned before.
    """
    space = {"layers": [1, 2, 3], "kind": ["flat", "deep", "wide", "mixed"]}

    def formula(
        shares: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        kind = np.array([0.1, 0.3, 0.0, 0.2])[places[:, 1]]
        floor = 0.2 + kind + 0.1 * shares[:, 0]
        return _falling(floor, 3.0 + 3.0 * shares[:, 0]), 1.0 + shares[:, 0]

    return Formed(space, formula, 0.01)


def noisy() -> Formed:
    """A small data set: what an epoch comes to is as much luck as merit. A search that
    believes what it sees stops the good ones, and stays with the lucky ones.
    """
    space = _numbered(rate=12, width=8, dropout=6, decay=6)

    def formula(
        shares: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        rate, width, dropout, decay = shares.T
        floor = 0.4 + 0.5 * (rate - 0.6) ** 2 + 0.1 * (width - 0.5) ** 2
        floor += 0.15 * (dropout - 0.3) ** 2 + 0.05 * decay
        return _falling(floor, 2.0 + 6.0 * (1.0 - rate)), 0.5 + width

    return Formed(space, formula, 0.08)


def crossing() -> Formed:
    """A large step is ahead at first and stays on a higher level: curves cross about the
    middle of training, so an early comparison chooses the wrong ones.
    """
    space = _numbered(rate=16, width=8, depth=4, decay=6)

    def formula(
        shares: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        rate, width, depth, decay = shares.T
        floor = (
            0.2
            + 0.5 * np.maximum(rate - 0.35, 0.0)
            + 0.9 * np.maximum(0.35 - rate, 0.0)
        )
        floor += 0.2 * (width - 0.6) ** 2 + 0.1 * (depth - 0.4) ** 2 + 0.05 * decay
        loss = _falling(floor, 1.0 + 8.0 * (1.0 - rate))
        return loss, 0.4 + width + 0.6 * depth

    return Formed(space, formula, 0.01)


def plateaus() -> Formed:
    """A loss stays where it is for some epochs and then falls: until then all points look
    alike, and a flat curve is not one that has ended.
    """
    space = _numbered(rate=12, momentum=8, width=8, warmup=6)

    def formula(
        shares: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        rate, momentum, width, warmup = shares.T
        begins = 2.0 + 14.0 * warmup + 4.0 * (1.0 - momentum)
        floor = 0.1 + 0.6 * (rate - 0.5) ** 2 + 0.3 * (width - 0.7) ** 2
        floor += 0.3 * (momentum - 0.8) ** 2 + 0.15 * (warmup - 0.3) ** 2
        fallen = 1.0 / (1.0 + np.exp(-(_EPOCHS - begins[:, None]) / 1.0))
        return 1.0 - (1.0 - floor[:, None]) * fallen, 0.5 + width

    return Formed(space, formula, 0.005)


def huge() -> Formed:
    """Ten dimensions of 64 values, of which four matter: no share of the points can be
    tried, and the model has to find out what matters.
    """
    space = _numbered(**{f"h{number}": 64 for number in range(10)})
    best = np.array([0.3, 0.7, 0.5, 0.2, 0.6, 0.4, 0.8, 0.5, 0.1, 0.9])
    weight = np.array([1.5, 1.0, 0.8, 0.6, 0.05, 0.05, 0.03, 0.02, 0.01, 0.01])

    def formula(
        shares: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        floor = 0.1 + ((shares - best) ** 2 * weight).sum(axis=1)
        # Very large steps diverge.
        wild = shares[:, 0] + 0.3 * shares[:, 1] > 1.15
        loss = _falling(floor, 2.0 + 5.0 * shares[:, 1])
        return np.where(wild[:, None], 1e6, loss), 0.5 + shares[:, 2]

    return Formed(space, formula, 0.01)


def wide() -> Formed:
    """Ten dimensions of 4 to 100 values, and each of them matters a little: two only
    together, and some have their best value at an end.
    """
    sizes = (100, 40, 60, 20, 30, 4, 8, 50, 10, 25)
    space = _numbered(**{f"w{number}": size for number, size in enumerate(sizes)})
    best = np.array([0.45, 0.2, 0.9, 0.6, 0.0, 1.0, 0.35, 0.7, 0.5, 0.15])
    weight = np.array([0.5, 0.4, 0.35, 0.3, 0.2, 0.15, 0.15, 0.1, 0.08, 0.05])

    def formula(
        shares: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        away = np.abs(shares - best)
        floor = 0.15 + (away**1.5 * weight).sum(axis=1)
        floor += 0.8 * (shares[:, 0] + shares[:, 1] - 0.65) ** 2
        loss = _falling(floor, 1.5 + 6.0 * (1.0 - shares[:, 0]))
        return loss, 0.3 + shares[:, 2] + 0.5 * shares[:, 5]

    return Formed(space, formula, 0.01)


def categories() -> Formed:
    """Six choices of eight kinds each, without any order: near points are those that
    differ in few choices, and two of the choices only help together.
    """
    space: curve_tasks.Space = {
        f"c{number}": [f"kind {kind}" for kind in range(8)] for number in range(6)
    }
    worth = np.random.default_rng(11).random((6, 8))

    def formula(
        shares: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        parts = worth[np.arange(6), places]
        floor = 0.1 + (parts * [0.4, 0.3, 0.2, 0.1, 0.05, 0.02]).sum(axis=1)
        floor += 0.15 * ((places[:, 0] + places[:, 1]) % 3 > 0)
        return _falling(floor, 2.0 + 5.0 * parts[:, 2]), 0.5 + parts[:, 3]

    return Formed(space, formula, 0.01)


def conditional() -> Formed:
    """Three optimizers, each with hyperparameters of its own: most of the space says
    nothing about a point.
    """
    space: curve_tasks.Space = {
        "optimizer": ["sgd", "adam", "rms"],
        "width": list(range(8)),
        "sgd_rate": list(range(16)),
        "momentum": list(range(8)),
        "adam_rate": list(range(16)),
        "beta": list(range(6)),
        "rms_rate": list(range(16)),
    }
    conditions: replay.Conditions = {
        "sgd_rate": ("optimizer", ["sgd"]),
        "momentum": ("optimizer", ["sgd"]),
        "adam_rate": ("optimizer", ["adam"]),
        "beta": ("optimizer", ["adam"]),
        "rms_rate": ("optimizer", ["rms"]),
    }

    def formula(
        shares: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        _, width, sgd, momentum, adam, beta, rms = shares.T
        each = np.stack(
            [
                # The best is here, but in a narrow place.
                0.12 + 3.0 * (sgd - 0.7) ** 2 + 1.0 * (momentum - 0.9) ** 2,
                0.17 + 0.6 * (adam - 0.4) ** 2 + 0.1 * (beta - 0.6) ** 2,
                0.22 + 0.5 * (rms - 0.5) ** 2,
            ]
        )
        kind = places[:, 0]
        floor = each[kind, np.arange(len(kind))] + 0.15 * (width - 0.6) ** 2
        slowness = np.array([6.0, 3.0, 3.0])[kind]
        return _falling(floor, slowness), 0.5 + width

    return Formed(space, formula, 0.005, conditions)


def costly() -> Formed:
    """An epoch takes up to a hundred times as long in one corner as in the other, and the
    largest models are a little better: seconds decide, not epochs.
    """
    space = _numbered(rate=12, width=12, depth=6, batch=8)

    def formula(
        shares: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        rate, width, depth, batch = shares.T
        floor = 0.2 + 0.8 * (rate - 0.5) ** 2 + 0.1 * (1.0 - width) ** 2
        floor += 0.1 * (depth - 0.6) ** 2 + 0.06 * batch
        seconds = 0.1 * 10.0 ** (width + 0.6 * depth + 0.4 * (1.0 - batch))
        return _falling(floor, 2.0 + 5.0 * (1.0 - rate)), seconds

    return Formed(space, formula, 0.01)


def _falling(floor: np.ndarray, slowness: np.ndarray) -> np.ndarray:
    """Curves that fall from about 1 to a floor."""
    part = np.exp(-_EPOCHS / np.broadcast_to(slowness, floor.shape)[:, None])
    found: np.ndarray = floor[:, None] + (1.0 - floor[:, None]) * part
    return found


def _numbered(**sizes: int) -> curve_tasks.Space:
    return {name: list(range(size)) for name, size in sizes.items()}


TASKS: dict[str, Callable[[], replay.Task]] = {
    "late": late_bloomers,
    "tiny": tiny,
    "noisy": noisy,
    "wide": wide,
    "crossing": crossing,
    "plateaus": plateaus,
    "huge": huge,
    "categories": categories,
    "conditional": conditional,
    "costly": costly,
}
