"""Programs of this project, run without importing TFX again."""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from pathlib import Path

from tests.support import crashes, fork_servers


def run(
    module: str,
    *arguments: str,
    directory: Path,
    imports: tuple[str, ...] = (),
    errors: Path | None = None,
) -> tuple[int, str]:
    """Does what `python -m module arguments` does.

    It runs in a process that is forked from a copy of this one, and so is the fork server
    of a search in it; both have what this one had imported before its first test.

    Args:
        module: The module.
        arguments: What it finds in `sys.argv`.
        directory: The working directory; gets `output.txt`.
        imports: Modules that it needs, in case that nobody has imported them.
        errors: Where its standard error goes; by default, where its output goes.

    Returns:
        The exit status, and what was printed.
    """
    output, status = directory / "output.txt", directory / "status.txt"

    def program() -> None:
        os.chdir(directory)
        mode = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        file = os.open(output, mode)
        os.dup2(file, 1)
        os.dup2(file if errors is None else os.open(errors, mode), 2)
        for name in imports:
            importlib.import_module(name)
        fork_servers.sow()
        sys.argv[1:] = arguments
        # pytest has replaced them.
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        code: object = 0
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        status.write_text(str(code))

    assert crashes.run(program)
    return int(status.read_text()), output.read_text()
