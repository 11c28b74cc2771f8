"""`tools/setup_env.sh` and `find_python.sh` on simulated machines."""

import os
from pathlib import Path

import pytest

from tests.support.machine import INPUTS, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("glibc", "tfx", "python"),
    [("2.9", "1.16", "3.10"), ("2.38", "1.16", "3.10"), ("2.39", "1.21", "3.13")],
)
def test_glibc_decides_the_tfx_line(
    machine: Machine, glibc: str, tfx: str, python: str
) -> None:
    """A line whose wheels this machine cannot load would be installed."""
    machine.glibc(glibc)
    for version in ("3.9", "3.10", "3.11", "3.13", "3.14"):
        machine.python(f"bin/python{version}", version)
    assert machine.found() == f"{machine.bin}/python{python} (TFX {tfx})"


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_new_glibc_takes_any_supported_python(machine: Machine, version: str) -> None:
    """A user with a suitable Python would be told to install another one."""
    machine.glibc("2.41")
    python = machine.python(f"bin/python{version}", version)
    assert machine.found() == f"{python} (TFX 1.21)"


def test_python_that_does_not_run_is_passed_over(machine: Machine) -> None:
    """A pyenv shim for a version that is not switched on would end the search."""
    machine.program("bin/python3.10", "#!/bin/sh\nexit 127\n")
    python = machine.python("usr/bin/python3.10", "3.10")
    path = f"{machine.bin}:{python.parent}"
    assert machine.found(PATH=path) == f"{python} (TFX 1.16)"


def test_plain_python3_is_tried(machine: Machine) -> None:
    """A Python known only as python3 would be overlooked."""
    python = machine.python("bin/python3", "3.10")
    assert machine.found() == f"{python} (TFX 1.16)"


def test_pyenv_versions_are_tried_newest_first(machine: Machine) -> None:
    """pyenv's Pythons are not on PATH and would be overlooked."""
    machine.python("home/.pyenv/versions/3.10.9/bin/python", "3.10")
    newest = machine.python("home/.pyenv/versions/3.10.13/bin/python", "3.10")
    assert machine.found() == f"{newest} (TFX 1.16)"


def test_pyenv_root_is_respected(machine: Machine) -> None:
    """A pyenv that is not in the home directory would be overlooked."""
    python = machine.python("pyenv/versions/3.10.1/bin/python", "3.10")
    root = str(machine.directory / "pyenv")
    assert machine.found(PYENV_ROOT=root) == f"{python} (TFX 1.16)"


def test_uv_pythons_are_tried(machine: Machine) -> None:
    """What `uv python install` brought, as our own message advises, would not count."""
    python = machine.python(
        "home/.local/share/uv/python/cpython-3.10.19-linux-x86_64-gnu/bin/python3",
        "3.10",
    )
    assert machine.found() == f"{python} (TFX 1.16)"


def test_forced_python_is_taken(machine: Machine) -> None:
    """PYTHON= would be ignored."""
    machine.python("bin/python3.10", "3.10")
    forced = machine.python("elsewhere/python", "3.10")
    assert machine.found(PYTHON=str(forced)) == f"{forced} (TFX 1.16)"


def test_unsuitable_forced_python_is_refused(machine: Machine) -> None:
    """PYTHON= would be replaced silently, or end in pip's own words."""
    machine.python("bin/python3.10", "3.10")
    forced = machine.python("elsewhere/python", "3.12")
    assert f"{forced} is Python 3.12" in machine.refusal(PYTHON=str(forced))


@pytest.mark.parametrize(
    ("pretence", "problem"),
    [
        ('sys.modules["ensurepip"] = None', "has no venv and ensurepip"),
        ('sysconfig.get_path = lambda _: "/nowhere"', "has no C headers"),
        ("sys.maxsize = 2**31 - 1", "is not a 64-bit CPython"),
    ],
)
def test_incomplete_python_is_named(
    machine: Machine, pretence: str, problem: str
) -> None:
    """Set-up would fail half way, with an error from a tool it calls."""
    python = machine.python("bin/python3.10", "3.10", pretence)
    assert f"{python} {problem}" in machine.refusal()


def test_activated_environment_is_no_candidate(machine: Machine) -> None:
    """Set-up would remove the very Python that it is about to use."""
    machine.python("bin/python3.10", "3.10")
    machine.set_up()
    inside = machine.python("checkout/.venv/bin/python3.10", "3.10")
    found = machine.found(PATH=f"{inside.parent}:{machine.bin}")
    assert found == f"{machine.bin}/python3.10 (TFX 1.16)"


def test_without_a_python_it_says_what_to_do(machine: Machine) -> None:
    """A newcomer would not learn what is missing nor how to get it."""
    machine.program("bin/python3.10", "#!/bin/sh\nexit 127\n")
    machine.python("bin/python3", "3.11")
    said = machine.refusal()
    assert "Expected: Python 3.10." in said
    assert "TFX 1.16" in said and "glibc 2.36" in said
    assert f"{machine.bin}/python3.10 does not run" in said
    assert f"{machine.bin}/python3 is Python 3.11" in said
    assert "uv python install 3.10" in said
    assert "PYTHON=/path/to/python make" in said
    assert not machine.venv.exists()


@pytest.mark.parametrize("tool", ["getconf", "uname"])
def test_other_platforms_are_refused(machine: Machine, tool: str) -> None:
    """On a Mac, or with musl, pip would fail to resolve versions, and not say why."""
    (machine.bin / tool).unlink()
    machine.program(f"bin/{tool}", "#!/bin/sh\necho Darwin arm64; exit 1\n")
    assert "Linux on x86_64 with glibc" in machine.refusal()


def test_missing_compiler_is_named(machine: Machine) -> None:
    """Set-up would end in a compiler's traceback."""
    machine.python("bin/python3.10", "3.10")
    (machine.bin / "g++").unlink()
    assert "apt-get install g++" in machine.refusal()


def test_installs_from_the_lines_constraints(machine: Machine) -> None:
    """Other versions than those we tested would be installed."""
    machine.glibc("2.41")
    python = machine.python("bin/python3.13", "3.13")
    made, installed = machine.set_up()
    assert made == f"{python} -m venv {machine.venv}"
    assert installed == (
        f"uv pip install --python {machine.venv}/bin/python --compile-bytecode"
        " --constraint constraints/tfx-1.21.txt --editable .[dev,kfp]"
    )


def test_pip_takes_over_from_uv(machine: Machine) -> None:
    """Set-up would fail if only pip reaches an index."""
    machine.python("bin/python3.10", "3.10")
    *_, last = machine.set_up(UV_STATUS="2")
    assert last.startswith("pip -m pip ")
    assert last.endswith("--constraint constraints/tfx-1.16.txt --editable .[dev,kfp]")


def test_failed_install_fails(machine: Machine) -> None:
    """make test would go on with an environment that is not whole."""
    machine.python("bin/python3.10", "3.10")
    assert machine.run(UV_STATUS="2", PIP_STATUS="3").returncode == 3


def test_second_run_does_nothing(machine: Machine) -> None:
    """Every make test would take minutes."""
    machine.python("bin/python3.10", "3.10")
    machine.set_up()
    assert machine.set_up() == []


@pytest.mark.parametrize("name", INPUTS)
def test_changed_input_sets_up_again(machine: Machine, name: str) -> None:
    """After a pull, the tests would run with yesterday's packages."""
    machine.python("bin/python3.10", "3.10")
    machine.set_up()
    with (machine.checkout / name).open("a") as file:
        file.write("\n# changed\n")
    assert machine.set_up() != []
    assert machine.set_up() == []


def test_interrupted_set_up_starts_from_nothing(machine: Machine) -> None:
    """A half-installed environment would be trusted."""
    machine.python("bin/python3.10", "3.10")
    assert machine.run(POWER_CUT="1").returncode == -9
    remains = machine.venv / "half-installed"
    remains.touch()
    assert machine.set_up() != []
    assert not remains.exists()


def test_environment_without_its_python_sets_up_again(machine: Machine) -> None:
    """Once the base Python is gone, each command would fail until .venv is removed."""
    machine.python("bin/python3.10", "3.10")
    machine.set_up()
    (machine.venv / "bin" / "python").unlink()
    assert machine.set_up() != []


def test_moved_checkout_sets_up_again(machine: Machine) -> None:
    """A virtual environment knows its path: the old one's sources would be tested."""
    machine.python("bin/python3.10", "3.10")
    machine.set_up()
    moved = machine.directory / "moved"
    os.rename(machine.checkout, moved)
    machine.checkout = moved
    assert machine.set_up() != []


def test_other_forced_python_sets_up_again(machine: Machine) -> None:
    """PYTHON= would have no effect on a checkout that is set up already."""
    machine.python("bin/python3.10", "3.10")
    machine.set_up()
    other = machine.python("elsewhere/python", "3.10")
    assert machine.set_up(PYTHON=str(other))[0].startswith(f"{other} ")
    assert machine.set_up(PYTHON=str(other)) == []
    assert machine.set_up() == []


def test_environment_of_another_origin_is_left_alone(machine: Machine) -> None:
    """A .venv that the user made would be deleted."""
    machine.python("bin/python3.10", "3.10")
    theirs = machine.venv / "theirs"
    machine.venv.mkdir()
    theirs.touch()
    assert "Move it away" in machine.refusal()
    assert theirs.exists()


def test_unknown_argument_is_refused(machine: Machine) -> None:
    """A typing error would set up instead of finding."""
    assert "Received: --fnid" in machine.refusal("--fnid")
