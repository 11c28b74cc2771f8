"""`--completion SHELL`: what a shell needs to complete the command."""

import argparse
from collections.abc import Sequence
from typing import Any

SHELLS = ("bash", "zsh")
# Of arguments that are paths.
_FILES = {"DIR", "DIRECTORY", "FILE", "MODULE", "OUT", "PATH", "STUDY"}


class Completion(argparse.Action):
    """Prints the script, and ends the program."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Called when the flag is seen."""
        import shtab  # Nothing else needs it.

        _name_files(parser, shtab.FILE)
        print(shtab.complete(parser, str(values)))
        parser.exit()


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the flag to a parser."""
    parser.add_argument(
        "--completion",
        action=Completion,
        choices=SHELLS,
        help="print what completes this command in a shell: "
        'eval "$(tuner-component --completion bash)"',
    )


def _name_files(parser: argparse.ArgumentParser, complete: Any) -> None:
    """Says which arguments are paths, here and in the commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _name_files(command, complete)
        elif action.metavar in _FILES:
            action.complete = complete  # type: ignore[attr-defined]
