"""A search of `tune` that is run again, by the command line that it was started with."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

from tuner_component.cli.command_file import Command
from tuner_component.cli.quiet import standard_output_kept
from tuner_component.console import status
from tuner_component.console.place import Place

# Runs the search of a command line for the study of an id, and for no other. Returns the
# directory of its results.
Start = Callable[[Sequence[str], str], str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what a command takes that may run a search again."""
    parser.add_argument(
        "--no-run",
        action="store_true",
        help="only write it into the study; the next run of the search does it",
    )
    add_json(parser)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds what has a command that runs a search print JSON."""
    parser.add_argument(
        "--json",
        action="store_true",
        help="at the end print JSON, as `status` does; all else goes to standard error",
    )


def run(
    command: Command, study_id: str, start: Start, as_json: bool, **more: Any
) -> None:
    """Runs a search again, and says how it is then.

    Args:
        command: What it was started with.
        study_id: Of the search.
        start: Runs it.
        as_json: For a program, with all else on standard error.
        more: What the JSON tells as well.

    Raises:
        ValueError: If the directory is gone that it was started in.
        SearchError: If the search fails.
    """
    try:
        os.chdir(command.directory)
    except OSError as error:
        raise ValueError(
            "Expected the directory that the search was started in, which paths of its "
            f"command are relative to. Received: {command.directory} ({error.strerror}). "
            "Put it back, or run `tuner-component tune` as before from elsewhere: it runs "
            "again what was asked for."
        ) from error
    with standard_output_kept(as_json):
        results = start(command.arguments, study_id)
    status.show(Place.of(results), as_json, **more)
