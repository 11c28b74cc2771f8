"""Calling the user's code for a tuner."""

from typing import Any

from tuner_component.search import error_reports
from tuner_component.search.parallel import project_guard, protocol
from tuner_component.search.training import seeding


def make_tuner(
    entry: protocol.EntryPoint, role: str, seed: int, may_overwrite: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Calls the entry point: the user's tuner, and the arguments for its `search`.

    Args:
        entry: What to call.
        role: "driver" or "worker".
        seed: The study's seed.
        may_overwrite: See `project_guard.shared_project`.

    Raises:
        UserCodeError: If it raises.
    """
    with (
        error_reports.reported("tuner_fn"),
        project_guard.shared_project(may_overwrite),
        seeding.seeded_construction(seed),
    ):
        result = entry.load()(entry.argument, role)
        return result.tuner, dict(result.fit_kwargs or {})
