"""The names of the searches that can be put in the place of a tuner's own."""

# Of Optuna's.
SAMPLERS = ("tpe", "gp", "cmaes", "qmc", "random")
SEARCHES = ("auto", *SAMPLERS)


def check(search: str) -> None:
    """Checks a name.

    Raises:
        ValueError: If there is no such search.
    """
    if search not in SEARCHES:
        raise ValueError(
            f"Expected search to be one of {', '.join(SEARCHES)}. Received: {search!r}. "
            "Leave it out to search with the oracle of the tuner that tuner_fn returns."
        )
