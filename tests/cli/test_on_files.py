"""Searches on files find the user's modules, and know when one of them changes."""

import sys
from pathlib import Path

import pytest

from tuner_component.cli import on_files
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
    on_files.make_importable(properties)
    before = user_sources.imported(properties)
    assert before.keys() == {"sibling_of_cli", "other_of_cli"}
    (tmp_path / "sibling_of_cli.py").write_text("two = 3")
    assert user_sources.imported(properties) == before
    there.with_name("sibling_of_cli.py").write_text("one = 2")
    assert user_sources.imported(properties) != before
