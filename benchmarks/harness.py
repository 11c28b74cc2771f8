"""What all benchmarks share: flags, and how figures are printed."""

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import sys
from collections.abc import Iterator
from concurrent import futures
from importlib import metadata
from typing import Any
from unittest import mock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--quick` and `--check`."""
    parser.add_argument(
        "--quick", action="store_true", help="take under a minute, for rougher figures"
    )
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 if the goal is missed"
    )


@contextlib.contextmanager
def single_threaded(jobs: int | None) -> Iterator[futures.ProcessPoolExecutor]:
    """Processes of one thread each: only of such ones the processor time is known.

    Args:
        jobs: How many; None for one on each core.
    """
    with (
        mock.patch.dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"),
        futures.ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool,
    ):
        yield pool


def report(arguments: argparse.Namespace, figures: dict[str, Any], met: bool) -> None:
    """Prints the figures as one JSON object on the last line.

    Args:
        arguments: The parsed flags; with `check`, exits with 1 if the goal is missed.
        figures: What was measured.
        met: Whether the benchmark's goal is met.
    """
    result = {
        **_rounded(figures),
        "goal_met": met,
        "quick": arguments.quick,
        "machine": machine(),
    }
    print(json.dumps(result), flush=True)
    if arguments.check and not met:
        sys.exit(1)


def machine() -> dict[str, Any]:
    """Describes the machine and the libraries, on which the figures depend."""
    versions = {}
    for name in ("tfx", "tensorflow", "keras", "keras-tuner"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpus": os.cpu_count(),
        "memory_gib": round(gib, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        **versions,
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_rounded(element) for element in value]
    return value
