"""Real tasks with finite search spaces, for comparing searches.

The data come with packages, and the model is scikit-learn's multilayer perceptron. An
epoch takes milliseconds, so every point of a space of 672 or 2,016 can be trained once,
and searches can be compared on the recorded curves.
"""

import csv
import dataclasses
import importlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import (
    datasets,
    feature_extraction,
    metrics,
    model_selection,
    neural_network,
    preprocessing,
)

EPOCHS = 27
Space = dict[str, list[Any]]
# Names of the six hyperparameters, and their values in order.
LARGE: Space = {
    "learning_rate": [1e-4 * 10 ** (k / 2) for k in range(7)],
    "width": [8, 16, 32, 64],
    "depth": [1, 2, 3],
    "l2": [1e-5, 1e-3, 1e-1, 1e1],
    "batch_size": [16, 48, 144],
    "activation": ["relu", "tanh"],
}

# For the tasks that take longer to train.
SMALL: Space = {**LARGE, "l2": [1e-3, 1e0], "batch_size": [32, 128]}

Data = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        name: Its name.
        load: Returns features and targets.
        space: Its search space.
        regression: Whether the targets are numbers, not classes.
    """

    name: str
    load: Callable[[], Data]
    space: Space
    regression: bool = False

    def split(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Training features, validation features, and the targets of both."""
        x, y = self.load()
        parts = model_selection.train_test_split(
            x, y, test_size=0.3, random_state=0, stratify=None if self.regression else y
        )
        scaler = preprocessing.StandardScaler().fit(parts[0])
        return (*map(scaler.transform, parts[:2]), *parts[2:])


def train(task: Task, point: dict[str, Any], seed: int, data: Any) -> Iterator[float]:
    """Trains at a point of the space; yields the validation loss after each epoch."""
    x, x_val, y, y_val = data
    kind = (
        neural_network.MLPRegressor if task.regression else neural_network.MLPClassifier
    )
    model = kind(
        hidden_layer_sizes=(point["width"],) * point["depth"],
        activation=point["activation"],
        alpha=point["l2"],
        batch_size=point["batch_size"],
        learning_rate_init=point["learning_rate"],
        random_state=seed,
    )
    order = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        shuffled = order.permutation(len(x))
        if task.regression:
            model.partial_fit(x[shuffled], y[shuffled])
            yield float(metrics.mean_squared_error(y_val, model.predict(x_val)))
        else:
            model.partial_fit(x[shuffled], y[shuffled], classes=np.unique(y))
            chances = np.clip(model.predict_proba(x_val), 1e-7, 1.0)
            chances /= chances.sum(axis=1, keepdims=True)
            yield float(metrics.log_loss(y_val, chances, labels=model.classes_))


def points(space: Space) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """Every point of the space, with its place in the table of curves."""
    sizes = [range(len(values)) for values in space.values()]
    for place in itertools.product(*sizes):
        values = [space[name][i] for name, i in zip(space, place, strict=True)]
        yield place, dict(zip(space, values, strict=True))


def _digits() -> Data:
    x, y = datasets.load_digits(return_X_y=True)
    return x[:700], y[:700]


def _penguins() -> Data:
    """Predict the species and sex of a penguin from its measurements."""
    path = Path(__file__).parents[1] / "examples/penguin/data/penguins.csv"
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["sex"] in ("male", "female")]
    measures = [name for name in rows[0] if name.endswith(("_mm", "_g"))]
    x = [[float(row[name]) for name in measures] for row in rows]
    return np.array(x), np.array([f"{row['species']} {row['sex']}" for row in rows])


def _diabetes() -> Data:
    x, y = datasets.load_diabetes(return_X_y=True)
    return x, (y - y.mean()) / y.std()


def _cancer() -> Data:
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return x, y


def _wine() -> Data:
    x, y = datasets.load_wine(return_X_y=True)
    return x, y


def _docstrings() -> Data:
    """Predict from a function's documentation which library it belongs to."""
    texts, labels = [], []
    for name in ("numpy", "scipy.stats", "sklearn.metrics", "keras.ops", "pandas"):
        module = importlib.import_module(name)
        for _, member in sorted(inspect.getmembers(module)):
            text = inspect.getdoc(member) if callable(member) else None
            if text and len(text) > 80:
                texts.append(text[:400])
                labels.append(name)
    vectors = feature_extraction.text.TfidfVectorizer(
        max_features=128, stop_words="english"
    )
    # Every second one, so that an epoch takes half as long.
    return vectors.fit_transform(texts[::2]).toarray(), np.array(labels[::2])


TASKS = {
    task.name: task
    for task in (
        Task("digits", _digits, SMALL),
        Task("penguins", _penguins, LARGE),
        Task("docstrings", _docstrings, SMALL),
        Task("diabetes", _diabetes, LARGE, regression=True),
        Task("cancer", _cancer, SMALL),
        Task("wine", _wine, SMALL),
    )
}
