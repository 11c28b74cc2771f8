"""The command `tuner-component`: its parser, and its exit codes."""

import argparse
import io
import sys
from collections.abc import Sequence

from tuner_component.cli import look, tune
from tuner_component.version import __version__

# Exit codes.
DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 3

_EPILOG = """exit codes:
  0  done
  1  the search failed, there is no result, or some of it is lost
  2  there is a mistake in the command line, in a file or in the module
  3  the search was interrupted; the same command continues it
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: Without the program's name; those of the process by default.

    Returns:
        The status to exit with.
    """
    _show_everything()
    args = _parser().parse_args(arguments)
    # This module imports nothing that a search needs, which would take seconds.
    from tuner_component.search import errors

    try:
        args.run(args)
    except errors.SearchInterruptedError as error:
        return _complain(error, INTERRUPTED)
    except (errors.SearchFailedError, look.NoResultError) as error:
        return _complain(error, FAILED)
    except (errors.SearchError, OSError, TypeError, ValueError) as error:
        return _complain(error, MISUSED)
    except KeyboardInterrupt:
        message = (
            "Interrupted. Completed trials are kept: the same command continues the "
            "search."
        )
        return _complain(message, INTERRUPTED)
    return DONE


def _show_everything() -> None:
    """Has the streams escape what they cannot encode, instead of raising.

    Messages of trials may have any character, and terminals and pipes any encoding.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _complain(error: object, status: int) -> int:
    print(f"tuner-component: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tuner-component",
        description="Tunes hyperparameters without a pipeline, and shows searches: those "
        "of this command\nand those of pipelines.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = f"tuner-component {__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    tune.add_to(commands)
    look.add_to(commands)
    return parser
