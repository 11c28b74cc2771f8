"""A process that takes over the state of another one, as those of a search do."""

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support.project import ROOT

_CHILD = """
import pickle, sys
sys.path.insert(0, {root!r})
{before}
context = pickle.load(open({pickle!r}, "rb"))
context.apply()
"""


def both(tmp_path: Path, parent: str, child: str, *argv: str, before: str = "") -> str:
    """Runs code in a process, and other code in one that takes its state over.

    Args:
        tmp_path: The working directory of both.
        parent: The code whose state is taken over.
        child: The code that runs with it.
        argv: Command line of the former.
        before: What the latter does before it takes that over.
    """
    pickle = str(tmp_path / "context")
    main = tmp_path / "main.py"
    main.write_text(
        f"import pickle, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        + textwrap.dedent(parent)
        + textwrap.dedent(
            f"""
            from tuner_component.search.parallel.process_context import ProcessContext
            with open({pickle!r}, "wb") as file:
                pickle.dump(ProcessContext.capture(), file)
            """
        )
    )
    subprocess.run([sys.executable, str(main), *argv], check=True, cwd=tmp_path)
    begin = _CHILD.format(root=str(ROOT), pickle=pickle, before=before)
    code = begin + textwrap.dedent(child)
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    return done.stdout + done.stderr
