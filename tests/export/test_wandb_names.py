"""Names and ids in Weights & Biases."""

import pytest

from tuner_component.export import wandb_names


@pytest.mark.parametrize(
    ("one", "other"), [("a/b", "a_b"), ("a/b", "a?b"), ("x" * 99, "x" * 98), ("é", "e")]
)
def test_trials_share_no_id(one: str, other: str) -> None:
    """The later trial would replace the earlier one."""
    ids = [wandb_names.run_id("0123456789abcdef", trial) for trial in (one, other)]
    assert len(set(ids)) == 2
    assert all(len(run_id) <= 64 and run_id.isascii() for run_id in ids)


def test_an_id_is_always_the_same() -> None:
    """A search that is resumed would be there twice."""
    assert wandb_names.run_id("0123", "07") == "0123-07"
    assert wandb_names.run_id("0", "a/b") == wandb_names.run_id("0", "a/b")


def test_no_hyperparameter_takes_the_place_of_another() -> None:
    """A value would be missing, or wandb's own would be overwritten."""
    given = {"": 1, "_": 2, "x_": 3, "_wandb": 4, wandb_names.TRIAL: 5}
    found = wandb_names.config(given)
    assert sorted(found.values()) == [1, 2, 3, 4, 5]
    assert not any(name.startswith("_") for name in found)
    assert wandb_names.TRIAL not in found


def test_hyphens_at_the_ends_are_left_to_nobody() -> None:
    """wandb would put two hyperparameters in one place, and a run never be as told."""
    found = wandb_names.config({"x": 1, "-x": 2, "x--": 3, "-": 4, "--_y": 5})
    assert list(found.values()) == [1, 2, 3, 4, 5]
    assert all(name == name.strip("-") for name in found)
