"""The Dockerfile: what it installs, from what, and as whom it runs."""

import fnmatch
import re
import shlex
from pathlib import Path

import pytest

from tests.support.project import ROOT, extras, requirements


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments."""
    text = (ROOT / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    return [tuple(line.split(maxsplit=1)) for line in lines]  # type: ignore[misc]


def arguments(name: str) -> list[str]:
    return [argument for keyword, argument in instructions() if keyword == name]


def install() -> list[str]:
    """The command that installs, with the defaults of the build's arguments."""
    defaults = dict(argument.split("=") for argument in arguments("ARG"))
    (command,) = (run for run in arguments("RUN") if "pip install" in run)
    for name, value in defaults.items():
        command = command.replace(f"${{{name}}}", value)
    (pip,) = (part for part in command.split("&&") if "pip install" in part)
    return shlex.split(pip)


def in_image(path: str) -> bool:
    """Whether a path of the checkout goes into the build."""
    assert ("COPY", ". /src") in instructions()
    included = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        parts = Path(path).parts
        ancestors = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        if any(fnmatch.fnmatch(name, pattern) for name in ancestors):
            included = line.startswith("!")
    return included


def test_installs_the_project_with_its_kfp_extra_and_nothing_else() -> None:
    """A step would lack what the package requires, or bring what nobody asked for."""
    pip, *words = install()
    assert pip == "/opt/venv/bin/pip"
    assert words == [
        *("install", "--no-cache-dir"),
        *("--constraint", "/src/constraints/tfx-1.16.txt"),
        "/src[kfp]",
    ]
    assert "kfp" in extras()


@pytest.mark.parametrize("line", ["1.16", "1.21"])
def test_every_requirement_is_pinned(line: str) -> None:
    """An image that is built again next year would have other versions."""
    path = f"constraints/tfx-{line}.txt"
    pins = re.findall(r"^([\w.-]+)==", (ROOT / path).read_text(), re.MULTILINE)
    required = [
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        for requirement in (
            *requirements(),
            *extras()["kfp"],
            *extras()["ray"],
        )
    ]
    assert {"kfp-pipeline-spec", "ray"} <= set(required)
    assert set(required) <= set(pins)
    assert in_image(path)


def test_all_that_the_build_reads_is_sent_to_it() -> None:
    """The image would not build, or would be built from what lies about."""
    package = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tuner_component").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert {"tuner_component/executor.py", "tuner_component/py.typed"} <= {*package}
    for path in ("setup.py", "pyproject.toml", "README.md", "LICENSE", *package):
        assert in_image(path), path
    for path in (".git/config", ".venv/bin/python", "tests/conftest.py", "runs/x"):
        assert not in_image(path), path


def test_runs_as_nobody_special_without_a_compiler() -> None:
    """Clusters that forbid root would refuse it, and it would be larger than needed."""
    *_, (keyword, base) = [i for i in instructions() if i[0] == "FROM"]
    final = instructions()[instructions().index((keyword, base)) :]
    assert "-slim-" in base
    (user,) = (argument for name, argument in final if name == "USER")
    assert int(user) > 0
    assert final.index(("USER", user)) > final.index(
        ("COPY", "--from=build /opt/venv /opt/venv")
    )


def test_has_a_python_of_the_line() -> None:
    """TFX could not be installed."""
    defaults = dict(argument.split("=") for argument in arguments("ARG"))
    constraints = ROOT / "constraints" / f"tfx-{defaults['TFX']}.txt"
    assert f"# For Python {defaults['PYTHON']} on" in constraints.read_text()
