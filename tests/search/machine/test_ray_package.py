"""Ray is imported only for a cluster, and missed with a word on how to get it."""

import sys
from types import ModuleType

import pytest

from tuner_component.search.machine import ray_package


def test_it_is_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of ours that is called ray would be taken for it."""
    package = ModuleType("ray")
    monkeypatch.setitem(sys.modules, "ray", package)
    assert ray_package.imported() is package


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """People would read of a module without a name, deep in a traceback."""
    monkeypatch.setitem(sys.modules, "ray", None)  # As if it were not installed.
    with pytest.raises(ImportError, match=r"Expected .*'ray'.* Received: ") as error:
        ray_package.imported()
    assert "pip install 'tfx-tuner-component[ray]'" in str(error.value)
