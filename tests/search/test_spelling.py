"""What is said of a name that is not known, and of a number of things."""

from tuner_component.search import spelling


def test_the_closest_name_is_asked_about() -> None:
    """People would have to compare theirs with all that are known."""
    known = ["num_parallel_trials", "max_trials_per_worker", "seed"]
    asked = spelling.did_you_mean("num_paralel_trials", known)
    assert asked == " Did you mean num_parallel_trials?"


def test_no_name_that_is_far_off_is_asked_about() -> None:
    """The question would lead astray."""
    assert spelling.did_you_mean("xyz", ["loss", "val_loss"]) == ""


def test_one_thing_is_no_plural() -> None:
    """It would say "1 trials"."""
    assert [spelling.counted(n, "trial") for n in (0, 1, 2)] == [
        "0 trials",
        "1 trial",
        "2 trials",
    ]
