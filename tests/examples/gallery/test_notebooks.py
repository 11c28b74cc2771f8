"""The notebooks run from their first cell to the last."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import gallery
from tests.support.project import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")


def executed(
    name: str, workers: int, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Executes a notebook, and returns all that its cells show."""
    monkeypatch.setenv("WORKERS", str(workers))
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    notebook = nbformat.read(ROOT / "examples" / "notebooks" / name, as_version=4)
    resources = {"metadata": {"path": str(directory)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    kinds = ("text/plain", "text/html")
    return "\n".join(
        out.get("text", "")
        + "\n".join(out.get("data", {}).get(kind, "") for kind in kinds)
        for out in outputs
    )


@gallery.workers
def test_search_by_tune(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search in a notebook would not find the functions of its cells."""
    said = executed("tune.ipynb", workers, tmp_path, monkeypatch)
    assert "<TuneResult: best val_accuracy" in said
    assert float(said.rpartition("accuracy ")[2][:5]) > 0.8


@gallery.workers
def test_search_in_the_interactive_context(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Tuner could not be tried cell by cell, as other components can."""
    name = "interactive_context.ipynb"
    said = executed(name, workers, tmp_path, monkeypatch)
    assert "'learning_rate': " in said
    assert "COMPLETED" in said
    assert '<iframe srcdoc="&lt;!DOCTYPE html&gt;' in said
    assert "val_loss" in said.rpartition("<iframe")[2]
