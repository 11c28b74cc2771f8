"""The snippets of a page, run one after another in one directory.

- ```` ```python title="x.py" ```` is written to that file;
- ```` ```python ```` is run, with what the snippets of the page before it have defined;
- ```` ```sh ```` is run by bash, which ends at the first error;
- what comes after the comment `<!-- not run: WHY -->` is not run.

python -m tests.support.snippets PAGE
"""

from __future__ import annotations

import linecache
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.support.project import ROOT

_SNIPPET = re.compile(
    r"(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?"
    r'^```(?P<language>python|sh)(?: title="(?P<title>[^"]+)")?\n(?P<code>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)


class Snippet(NamedTuple):
    """A fenced block of code.

    Attributes:
        language: `python` or `sh`.
        code: What is in it.
        title: The file that it is, if it is one.
        reason: Why it is not run; None if it is.
        line: Where it begins.
    """

    language: str
    code: str
    title: str | None
    reason: str | None
    line: int


def snippets(markdown: str) -> list[Snippet]:
    """The Python and shell code of a page."""
    return [
        Snippet(
            found["language"],
            found["code"],
            found["title"],
            found["reason"],
            markdown.count("\n", 0, found.start("code")),
        )
        for found in _SNIPPET.finditer(markdown)
    ]


def run(page: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    """Runs the snippets of a page in a new process."""
    bin_directory = Path(sys.executable).parent
    return subprocess.run(
        [sys.executable, "-m", "tests.support.snippets", page],
        check=False,
        cwd=directory,
        env={
            **os.environ,
            "PATH": f"{bin_directory}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "2",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _run_here(page: Path) -> None:
    # As in a notebook: what is defined is of the main module.
    defined = vars(sys.modules["__main__"])
    for snippet in snippets(page.read_text()):
        name = f"{page.name}:{snippet.line}"
        if snippet.reason:
            continue
        print(f"--- {name}", flush=True)
        if snippet.title:
            Path(snippet.title).write_text(snippet.code)
        elif snippet.language == "sh":
            subprocess.run(["bash", "-euo", "pipefail", "-c", snippet.code], check=True)
        else:
            lines = snippet.code.splitlines(keepends=True)
            linecache.cache[name] = (len(snippet.code), None, lines, name)
            exec(compile(snippet.code, name, "exec"), defined)  # noqa: S102


if __name__ == "__main__":
    _run_here(Path(sys.argv[1]).resolve())
