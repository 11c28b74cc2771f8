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
            "Leave it out to search with the tuner's own oracle."
        )


def check_goals(search: str, pareto: bool, constraints: bool) -> None:
    """Checks that a search can look for what is asked for.

    Raises:
        ValueError: If it knows neither several objectives nor constraints.
    """
    if search != "cmaes" or not (pareto or constraints):
        return
    received = " and ".join(["pareto"] * pareto + ["constraints"] * constraints)
    raise ValueError(
        "Expected a search that knows several objectives and constraints: auto, tpe, gp, "
        f"qmc or random. Received: cmaes, with {received}. Take another one, such as auto."
    )
