"""The documentation as a site: it builds without a warning, and says what it should."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

import pytest

import tuner_component
from tests.support import site
from tests.support.project import ROOT
from tuner_component.cli import main as cli
from tuner_component.proto import tuner_pb2


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    done = site.build(directory)
    assert done.returncode == 0, done.stdout
    return directory


def text_of(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text()))


@pytest.mark.slow
def test_every_link_leads_to_a_file(built: Path) -> None:
    """A reader would get lost. (The builder sees only the links of the sources.)"""
    broken = []
    for page in built.glob("**/*.html"):
        if page.name == "404.html":
            continue
        for link in re.findall(r'(?:href|src)="([^"]+)"', page.read_text()):
            path = html.unescape(link).split("#")[0].split("?")[0]
            is_local = path and not re.match(r"\w+:", path)
            if is_local and not (page.parent / path).exists():
                broken.append((page.name, link))
    assert broken == []


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(built: Path) -> None:
    """Readers would be counted by others, and see a broken page without a network."""
    for page in built.glob("**/*.html"):
        loaded = re.findall(
            r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)', page.read_text()
        )
        assert loaded == [], page


@pytest.mark.slow
def test_reference_has_every_public_name(built: Path) -> None:
    """Somebody would have to read the sources."""
    said = text_of(built / "reference" / "api.html")
    said += text_of(built / "reference" / "tune_args.html")
    internal = {"Executor", "TunerFnArgs", "TunerFnResult", "TunerSpec", "__version__"}
    missing = [
        name
        for name in tuner_component.__all__
        if name not in internal and not re.search(rf"\b{name}\b", said)
    ]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("message", ["TuneArgs", "Stopping", "Cluster"])
def test_reference_has_every_field(built: Path, message: str) -> None:
    """A field would be known only to those who read the .proto."""
    page = (built / "reference" / "tune_args.html").read_text()
    for field in getattr(tuner_pb2, message).DESCRIPTOR.fields_by_name:
        assert re.search(rf"<td><code>[^<]*\b{field}\b[^<]*</code></td>\s*<td>\S", page)


@pytest.mark.slow
def test_schema_is_on_the_site(built: Path) -> None:
    """Programs that check records could not fetch it."""
    assert json.loads((built / "study.schema.json").read_text())["$defs"]


def test_exit_codes_are_those_of_the_command() -> None:
    """Scripts would go on after a failure."""
    page = (ROOT / "docs" / "reference" / "command.md").read_text()
    said = [int(code) for code in re.findall(r"^\| (\d) \|", page, re.MULTILINE)]
    assert said == [cli.DONE, cli.FAILED, cli.MISUSED, cli.INTERRUPTED]


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong", ["[a](gone.md)", "[a](searches.md#gone)", "::: tuner_component.gone"]
)
def test_what_is_broken_fails_the_build(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build would pass whatever the pages say."""
    for name in ("docs", "tools", "tuner_component"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    with (tmp_path / "docs" / "index.md").open("a") as page:
        page.write(f"\n{wrong}\n")
    monkeypatch.setattr(site, "ROOT", tmp_path)
    assert site.build(tmp_path / "site").returncode != 0
