"""`--completion SHELL`: scripts that the shells take."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tuner_component.cli.completion import SHELLS
from tuner_component.cli.main import main

pytest.importorskip("shtab")


@pytest.mark.parametrize("shell", SHELLS)
def test_script_knows_commands_and_flags(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Completion would be of another program, or of none."""
    with pytest.raises(SystemExit) as ended:
        main(["--completion", shell])
    assert ended.value.code == 0
    script = capsys.readouterr().out
    for word in ("tuner-component", "status", "--watch", "--stopping"):
        assert word in script


def test_bash_completes_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The script would be an error in the shell that it is for."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    with pytest.raises(SystemExit):
        main(["--completion", "bash"])
    script = capsys.readouterr().out
    # As bash does it when a person types `tuner-component sta` and a tab.
    asked = (
        "\nCOMP_WORDS=(tuner-component sta); COMP_CWORD=1\n"
        "$(complete -p tuner-component | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        [bash, "--norc", "-c", script + asked],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["status"], done.stderr
