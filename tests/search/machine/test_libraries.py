"""Which modules are libraries: a change of them starts no new search."""

import json
from pathlib import Path

import pytest

from tuner_component.search.machine import libraries


@pytest.mark.parametrize("module", [json, pytest])
def test_python_and_installed_packages_have_libraries(module: object) -> None:
    """An upgrade of Python or of a package would start a search anew."""
    directory = Path(str(module.__file__)).parents[1]  # type: ignore[attr-defined]
    assert libraries.has_libraries(str(directory))


def test_installed_packages_are_not_pythons_own() -> None:
    """What is shared by all workers would leave out what the user has installed."""
    assert libraries.is_installed(pytest.__file__)
    assert libraries.is_pythons(json.__file__)
    assert not libraries.is_installed(json.__file__)


def test_directory_that_pip_filled_has_libraries(tmp_path: Path) -> None:
    """Files of `pip install --target` would count as the user's own code."""
    assert not libraries.has_libraries(str(tmp_path))
    other = tmp_path / "vendored"
    (other / "some-1.0.dist-info").mkdir(parents=True)
    assert libraries.has_libraries(str(other))
    assert not libraries.is_installed(other)
