"""A simulated machine for the set-up: its PATH has only what a test puts there."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.project import ROOT

INPUTS = [
    "constraints/tfx-1.16.txt",
    "constraints/tfx-1.21.txt",
    "pyproject.toml",
    "setup.py",
    "tools/find_python.sh",
    "tools/setup_env.sh",
    "tuner_component/version.py",
]
REAL_TOOLS = [
    "bash",
    "cat",
    "cp",
    "dirname",
    "env",
    "grep",
    "head",
    "mkdir",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "sort",
    "uname",
]

# A Python that answers the script's question by running it on the real interpreter,
# which first pretends to be another one. Its virtual environments contain VENV_PYTHON.
PYTHON = """\
#!/bin/sh
case "$1" in
-c) exec {real} -c 'import sys, sysconfig
{pretence}
exec(sys.argv.pop(1))' "$2" "$3" ;;
-m) echo "{path} $*" >>"$LOG"; mkdir -p "$3/bin" && cp "$VENV_PYTHON" "$3/bin/python" ;;
esac
"""
VENV_PYTHON = """\
#!/bin/sh
case "$*" in
*--editable*) echo "pip $*" >>"$LOG"; exit "${PIP_STATUS:-0}" ;;
*" uv") cp "$UV" "$(dirname "$0")/uv" ;;
esac
"""
UV = """\
#!/bin/sh
echo "uv $*" >>"$LOG"
if [ -n "$POWER_CUT" ]; then kill -KILL $PPID; fi
exit "${UV_STATUS:-0}"
"""


class Machine:
    """A copy of the files that set-up reads, and an environment without anything else."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.checkout = directory / "checkout"
        self.bin = directory / "bin"
        self.log = directory / "log"
        self.venv = self.checkout / ".venv"
        for name in INPUTS:
            copy = self.checkout / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy)
        self.bin.mkdir()
        for tool in REAL_TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        self.program("bin/g++", "#!/bin/sh\n")
        self.environment = {
            "PATH": str(self.bin),
            "HOME": str(directory / "home"),
            "LOG": str(self.log),
            "VENV_PYTHON": str(self.program("venv-python", VENV_PYTHON)),
            "UV": str(self.program("uv", UV)),
        }
        self.glibc("2.36")

    def program(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def glibc(self, version: str) -> None:
        self.program("bin/getconf", f"#!/bin/sh\necho glibc {version}\n")

    def python(self, name: str, version: str, pretence: str = "") -> Path:
        """Installs an interpreter at `name`, relative to the machine's directory."""
        major, minor = version.split(".")
        pretence = f"sys.version_info = ({major}, {minor}, 0)\n{pretence}"
        path = self.directory / name
        return self.program(
            name, PYTHON.format(real=sys.executable, path=path, pretence=pretence)
        )

    def run(
        self, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs the script; `environment` is added to the machine's own."""
        return subprocess.run(
            [str(self.checkout / "tools" / "setup_env.sh"), *arguments],
            check=False,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def found(self, **environment: str) -> str:
        """What `--find` prints."""
        done = self.run("--find", **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def refusal(self, *arguments: str, **environment: str) -> str:
        """What the script prints when it gives up."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 1, done
        assert "Expected:" in done.stderr and "Received:" in done.stderr
        return done.stderr

    def set_up(self, **environment: str) -> list[str]:
        """Sets up, and returns the commands that were run, as logged."""
        self.log.write_text("")
        done = self.run(**environment)
        assert done.returncode == 0, done.stderr
        return self.log.read_text().splitlines()
