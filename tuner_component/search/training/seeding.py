"""Seeds: the same study seed gives the same trials and, on a CPU, the same scores.

KerasTuner seeds only its oracle, and only if the user passed a seed. Training starts from
the state that the random generators happen to be in. Here every seed is derived from the
study's own by hashing, so that a trial's seed depends neither on the worker that runs it
nor on what that worker ran before.

Each level is a pure function of the one above: study -> trial -> model build. The
trial's seed is what the study records; everything below follows from it.
"""

import contextlib
import hashlib
import random
import sys
from collections.abc import Iterator

import numpy as np

# What NumPy, TensorFlow, JAX and PyTorch all accept; zero reads as "no seed" in
# KerasTuner (`seed or random.randint(...)`), so it is never given out.
_LARGEST_SEED = 2**31 - 1


def _derive(*parts: object) -> int:
    """Hashes the parts to a seed in [1, 2**31 - 1]; stable across processes."""
    digest = hashlib.sha256(
        # An id may be any string, a lone surrogate included.
        "/".join(map(str, parts)).encode("utf-8", "surrogatepass")
    ).digest()
    return int.from_bytes(digest[:8], "big") % _LARGEST_SEED + 1


def trial_seed(study_seed: int, trial_id: str) -> int:
    """Returns the seed of one trial.

    Args:
        study_seed: The study's seed.
        trial_id: The trial's id within the study.

    Returns:
        A seed in [1, 2**31 - 1], the one to record with the trial.
    """
    return _derive("trial", study_seed, trial_id)


def build_seed(seed_of_trial: int, run: int, build: int) -> int:
    """Returns the seed to set before one model build of a trial.

    Args:
        seed_of_trial: What `trial_seed` returned.
        run: How often KerasTuner has already run this trial to a failure of its own
            (`max_retries_per_trial`): a retry with the same seed would only fail
            again. An attempt whose worker died is not such a run: it goes on with
            the same seeds.
        build: The number of models built before in this run; with
            `executions_per_trial` this is the execution.

    Returns:
        A seed in [1, 2**31 - 1].
    """
    return _derive("build", seed_of_trial, run, build)


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and the Keras backend.

    `keras.utils.set_random_seed` seeds TensorFlow whenever it is installed, and imports
    it for that. A search on JAX or PyTorch must not pay for that import, so TensorFlow
    is seeded only if it is the backend or already loaded.

    Args:
        seed: A seed in [1, 2**31 - 1].
    """
    random.seed(seed)
    np.random.seed(seed)
    keras = sys.modules.get("keras")
    if keras is not None and (
        keras.config.backend() == "tensorflow" or "tensorflow" in sys.modules
    ):
        keras.utils.set_random_seed(seed)
    elif "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


@contextlib.contextmanager
def seeded_construction(seed: int) -> Iterator[None]:
    """Makes the construction of a tuner follow from the study's seed.

    For the call of the user's `tuner_fn`: an oracle without a seed of its own draws
    one from Python's generator (`random.randint(1, 10000)`), and datasets that are
    shuffled there take the backend's seed. Afterwards Python's and NumPy's
    generators are as they were, so that the caller's own randomness (and that of
    sibling workers, who all construct under the same seed) is not tied to the study.

    Args:
        seed: The study's seed.
    """
    with generators_left_alone():
        seed_everything(_derive("construction", seed))
        yield


@contextlib.contextmanager
def generators_left_alone() -> Iterator[None]:
    """Has Python's and NumPy's generators go on as if nothing had been drawn inside."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
