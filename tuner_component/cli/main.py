"""The command `tuner-component`: its parser, and its exit codes."""

import argparse
import io
import os
import re
import sys
from collections.abc import Mapping, Sequence

from tuner_component.cli import cluster, completion, look, retry, steer, tune
from tuner_component.cli.flags import split
from tuner_component.console.errors import NoResultError
from tuner_component.search.spelling import did_you_mean
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
    args = _parsed(list(sys.argv[1:] if arguments is None else arguments))
    # This module imports nothing that a search needs, which would take seconds.
    from tuner_component.search import errors

    try:
        args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has seen enough (`| head`). Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except errors.SearchInterruptedError as error:
        return _complain(error, INTERRUPTED)
    except (errors.SearchFailedError, errors.NoModelError, NoResultError) as error:
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


def _again(command_line: Sequence[str], study_id: str) -> str:
    """Runs the search of a command line again.

    Args:
        command_line: All that followed the program's name.
        study_id: The only study that it may go on with.

    Returns:
        The directory of its results.
    """
    args = _parsed(list(command_line))
    args.only_study = study_id
    return tune.search(args)


def _parsed(command_line: list[str]) -> argparse.Namespace:
    own, flags = split(command_line)
    parser, commands = _parser()
    if own and not own[0].startswith("-") and own[0] not in commands:
        meant = did_you_mean(own[0], commands)
        parser.error(
            f"Expected a command: {', '.join(commands)}. Received: {own[0]}.{meant}"
        )
    args, unknown = parser.parse_known_args(own)
    if unknown:
        name = next(word for word in own if word in commands)
        command = commands[name]
        known = re.findall(r"--[\w-]+", command.format_help())
        flag = next((word for word in unknown if word.startswith("--")), "")
        meant = did_you_mean(flag.partition("=")[0], known)
        command.error(f"unrecognized arguments: {' '.join(unknown)}.{meant}")
    if flags and args.run is not tune.run:
        parser.error(f"only tune takes flags behind --: {' '.join(flags)}")
    args.flags, args.command_line = flags, command_line
    return args


def _complain(error: object, status: int) -> int:
    print(f"tuner-component: {error}", file=sys.stderr)
    return status


def _parser() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The parser, and that of each command by its name."""
    parser = argparse.ArgumentParser(
        prog="tuner-component",
        description="Tunes hyperparameters without a pipeline, and shows searches: those "
        "of this command\nand those of pipelines.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = f"tuner-component {__version__}"
    parser.add_argument("--version", action="version", version=version)
    completion.add_to(parser)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    tune.add_to(commands)
    look.add_to(commands)
    retry.add_to(commands, _again)
    steer.add_to(commands, _again)
    cluster.add_to(commands)
    return parser, commands.choices
