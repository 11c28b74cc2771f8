"""The documentation as a site.

python -m tests.support.site [DIRECTORY]
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.support import environments
from tests.support.project import ROOT, pyproject


def build(directory: Path) -> subprocess.CompletedProcess[str]:
    """Builds the site, in an environment of its own.

    Args:
        directory: Where it goes.

    Returns:
        The builder's status and what it said; a warning is a failure.
    """
    python = environments.interpreter("docs", pyproject()["dependency-groups"]["docs"])
    command = [python, "-m", "mkdocs", "build", "--clean", "--site-dir", directory]
    return subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        # The theme warns of a MkDocs that we do not take.
        env={**os.environ, "DISABLE_MKDOCS_2_WARNING": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    where = Path(*sys.argv[1:] or [ROOT / "runs" / "site"]).resolve()
    done = build(where)
    print(done.stdout)
    if done.returncode == 0:
        print(f"Open {where / 'index.html'}")
    sys.exit(done.returncode)
