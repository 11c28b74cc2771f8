"""What the examples of the gallery share: each is one command.

python -m examples.images --help
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# One of an example's searches. It returns an exit status.
Search = Callable[["Run"], int]


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a search: where, and how.

    Attributes:
        root: A directory of its own.
        workers: How many trials run at the same time; 0 runs them in this process.
    """

    root: Path
    workers: int

    def tune(
        self,
        module: Path,
        train: Sequence[Path],
        flags: Sequence[str] = (),
        options: Sequence[str] = (),
    ) -> int:
        """Runs `tuner-component tune`, and shows what was typed.

        Args:
            module: Defines `tuner_fn`.
            train: The data.
            flags: Of the module.
            options: Of the command.
        """
        from tuner_component.cli import main as cli

        command = ["tune", str(module), "--train", *map(str, train)]
        command += ["--out", str(self.root / "search")]
        command += ["--num-parallel-trials", str(self.workers)]
        command += [*options, *(["--", *flags] if flags else [])]
        print(f"$ tuner-component {shlex.join(command)}", flush=True)
        return cli.main(command)


def main(
    name: str,
    searches: Mapping[str, Search],
    arguments: Sequence[str] | None = None,
) -> int:
    """Runs one of an example's searches.

    Args:
        name: Of the example.
        searches: By their names; the first one is the default. The first line of their
            docstrings is shown by --help.
        arguments: Of the command line; by default the process's.

    Returns:
        The exit status.
    """
    told = [f"  {n}: {(s.__doc__ or '').splitlines()[0]}" for n, s in searches.items()]
    parser = argparse.ArgumentParser(
        prog=f"python -m examples.{name}",
        description="Searches:\n" + "\n".join(told),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = next(iter(searches))
    parser.add_argument(
        "search",
        nargs="?",
        choices=list(searches),
        default=default,
        help=f"which search to run (default: {default})",
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("runs", name),
        help="directory for all that is written (default: %(default)s)",
    )
    parser.add_argument(
        "--num-parallel-trials",
        type=int,
        default=2,
        metavar="N",
        help="trials at the same time; 0 runs them in this process (default: 2)",
    )
    args = parser.parse_args(arguments)
    root = args.root.resolve() / args.search
    root.mkdir(parents=True, exist_ok=True)
    return searches[args.search](Run(root, args.num_parallel_trials))
