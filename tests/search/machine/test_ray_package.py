"""Ray is missed with a word on how to get it."""

import sys
from pathlib import Path

import pytest

from tuner_component.search.errors import SearchError
from tuner_component.search.machine import ray_package


def test_what_is_there_is_not_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A pipeline would wait for seconds for what only other processes need."""
    (tmp_path / "ray.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    ray_package.require()


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """People would read of a module without a name, deep in a traceback."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SearchError, match=r"Expected .*'ray'.* Received: ") as error:
        ray_package.require()
    assert "pip install 'tfx-tuner-component[ray]'" in str(error.value)
