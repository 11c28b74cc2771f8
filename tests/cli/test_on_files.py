"""Searches on files find the user's modules, and know when one of them changes."""

import argparse
import sys
import threading
from concurrent import futures
from pathlib import Path
from typing import Any

import pytest
from tfx.components.example_gen.csv_example_gen import executor as csv_executor

from tuner_component.cli import importing, on_files
from tuner_component.identity import user_sources


def test_module_finds_its_siblings_before_those_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that runs as a script would not import; or a changed sibling go unnoticed."""
    there = tmp_path / "real" / "module_of_cli.py"
    sources = {
        there: "import sibling_of_cli, other_of_cli",
        there.with_name("sibling_of_cli.py"): "one = 1",
        tmp_path / "sibling_of_cli.py": "two = 2",
        tmp_path / "other_of_cli.py": "three = 3",
    }
    there.parent.mkdir()
    for path, source in sources.items():
        path.write_text(source)
    link = tmp_path / "linked.py"
    link.symlink_to(there)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    properties = {"module_file": str(link)}
    importing.make_importable(properties)
    before = user_sources.imported(properties)
    assert before.keys() == {"sibling_of_cli", "other_of_cli"}
    (tmp_path / "sibling_of_cli.py").write_text("two = 3")
    assert user_sources.imported(properties) == before
    there.with_name("sibling_of_cli.py").write_text("one = 2")
    assert user_sources.imported(properties) != before


class Conversion:
    """Stands for TFX's, which takes long: it stops before the end of the examples."""

    Context = csv_executor.Executor.Context

    def __init__(self) -> None:
        self.under_way = [threading.Event(), threading.Event()]
        self.go = [threading.Event(), threading.Event()]

    def __call__(self, context: Any) -> Any:
        return self

    def Do(self, inputs: Any, outputs: Any, properties: Any) -> None:
        number = int(self.under_way[0].is_set())
        split = Path(outputs["examples"][0].uri, "Split-train")
        for shard in range(2):
            if shard != number:
                self.under_way[number].set()
                assert self.go[number].wait(60)
            split.mkdir(parents=True, exist_ok=True)
            (split / str(shard)).touch()


def no_schema(*_: Any) -> None:
    """Stands for TensorFlow Data Validation."""


def test_of_two_searches_at_once_both_have_all_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One would remove half of the other's data, and both train on the rest."""
    conversion, found = Conversion(), []
    monkeypatch.setattr(csv_executor, "Executor", conversion)
    monkeypatch.setattr("tuner_component.inputs.conversion.infer_schema", no_schema)

    class Search:
        """Looks at its data."""

        Context = on_files.Executor.Context

        def __init__(self, context: Any) -> None:
            pass

        def Do(self, inputs: Any, outputs: Any, properties: Any) -> None:
            split = Path(inputs["examples"][0].uri, "Split-train")
            found.append(sorted(path.name for path in split.iterdir()))

    monkeypatch.setattr(on_files, "Executor", Search)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "data.csv").write_text("x\n1\n")
    args = argparse.Namespace(
        train=[str(tmp_path / "data.csv")],
        eval=[],
        schema=None,
        transform_graph=None,
        base_model=None,
        only_study=None,
    )
    with futures.ThreadPoolExecutor() as pool:
        first = pool.submit(on_files.search, args, str(tmp_path / "out"), {})
        assert conversion.under_way[0].wait(60)
        second = pool.submit(on_files.search, args, str(tmp_path / "out"), {})
        # If it does not wait for the first one, it begins at once.
        conversion.under_way[1].wait(0.5)
        conversion.go[0].set()
        futures.wait([first])
        conversion.go[1].set()
        assert found[0] == ["0", "1"]
        first.result()
        second.result()
    assert found[1] == ["0", "1"]
