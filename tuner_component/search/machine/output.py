"""Where the output of a process goes: Python's, and what native code prints."""

import contextlib
import ctypes
import os
import sys
import traceback

# What faulthandler writes: the innermost frame first, and at the end all modules.
_CRASH = "Fatal Python error: "
_NOISE = "Extension modules: "


class Output:
    """Sends standard output and standard error of this process into files.

    File descriptors are redirected, so that what libraries and child processes print
    is there too, in order with the rest.
    """

    def __init__(self, path: str) -> None:
        self._path = ""
        self.to(path)
        for stream in (sys.stdout, sys.stderr):
            # What a process printed before it was killed should be there.
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    def to(self, path: str, heading: str = "") -> None:
        """Appends to another file from now on.

        Args:
            path: The file; its directory is made if needed.
            heading: A line to start with.
        """
        if path != self._path:
            flush_all()
            os.makedirs(os.path.dirname(path), exist_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            os.dup2(file, 1)
            os.dup2(file, 2)
            os.close(file)
            self._path = path
        if heading:
            print(heading, flush=True)


def flush_all() -> None:
    """Writes what is still buffered, or it would end up in the next file."""
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)


def flush() -> None:
    """Writes what Python has still buffered, if it can be written."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def log_traceback() -> None:
    """Prints the traceback of the exception being handled, if the log can be written."""
    with contextlib.suppress(OSError):  # The exception may be that this disk is full.
        traceback.print_exc()


def tail(path: str, lines: int = 20, size: int = 20_000) -> str:
    """The last lines of a log, or the first ones of a crash; "" if there is none.

    Args:
        path: The file.
        lines: At most so many lines.
        size: Read from at most so many bytes.
    """
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    found = [line for line in text.splitlines() if not line.startswith(_NOISE)]
    crashes = [i for i, line in enumerate(found) if line.startswith(_CRASH)]
    shown = found[crashes[-1] :][:lines] if crashes else found[-lines:]
    return "\n".join(shown).strip()
