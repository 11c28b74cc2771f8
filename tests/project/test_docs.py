"""What the documentation names exists: links, headings, paths and modules."""

import re
from pathlib import Path

import pytest

from tests.support.project import ROOT

# The directories of the repository. Others beside them may belong to tools.
DIRECTORIES = (
    "benchmarks",
    "constraints",
    "docs",
    "examples",
    "proto",
    "tests",
    "third_party",
    "tools",
    "tuner_component",
)
MARKDOWN = [
    str(path.relative_to(ROOT))
    for directory in ("", *DIRECTORIES)
    for path in sorted((ROOT / directory).glob("**/*.md" if directory else "*.md"))
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A path from the root, outside of URLs, of Bazel's labels and of longer paths.
PATH = re.compile(rf"(?<![\w./:-])(?:{'|'.join(DIRECTORIES)})/[\w./*<>-]*")
MODULE = re.compile(rf"-m ((?:{'|'.join(DIRECTORIES)})(?:\.\w+)+)")


def anchors(markdown: str) -> set[str]:
    """The headings of a page, as GitHub names them in links."""
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}


def broken_links(page: Path) -> list[str]:
    """Relative links of a page to a file or a heading that does not exist."""
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    return [link for link in links if not leads_somewhere(page, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether the file of a relative link exists, and its heading, if it names one."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target.read_text()))


def missing_paths(text: str) -> list[str]:
    """Paths and modules of the repository that a text names and that do not exist."""
    paths = [path.rstrip(".") for path in PATH.findall(text) if "<" not in path]
    missing = [path for path in paths if not any(ROOT.glob(path))]
    for module in MODULE.findall(text):
        path = ROOT / module.replace(".", "/")
        if not (path / "__init__.py").exists() and not path.with_suffix(".py").exists():
            missing.append(module)
    return missing


@pytest.mark.parametrize("name", MARKDOWN)
def test_links_lead_somewhere(name: str) -> None:
    """A reader would follow a link to a page that is not there."""
    assert broken_links(ROOT / name) == []


@pytest.mark.parametrize("name", MARKDOWN)
def test_named_paths_exist(name: str) -> None:
    """A reader would look for a file, or start a command, that has moved."""
    assert missing_paths((ROOT / name).read_text()) == []


def test_modules_of_the_architecture_exist() -> None:
    """The page that says where things are would name a module that has moved."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    modules = re.findall(r"`([\w/]+\.py)`", page)
    package = ROOT / "tuner_component"
    missing = [
        module
        for module in modules
        if not (module.startswith("/") and (ROOT / module[1:]).exists())
        and not any(package.glob(f"**/{module.removeprefix('/')}"))
    ]
    assert len(modules) > 20
    assert missing == []


def test_broken_link_is_seen(tmp_path: Path) -> None:
    """The tests above would pass whatever the pages say."""
    (tmp_path / "other.md").write_text("# What `it` is, and why\n```sh\n# no\n```\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](other.md) [b](other.md#what-it-is-and-why) [c](#here)"
        "[d](https://example.com/e) [f](gone.md) [g](other.md#no) ![h](#there)"
    )
    assert broken_links(page) == ["gone.md", "other.md#no", "#there"]


def test_missing_path_is_seen() -> None:
    """The tests above would pass whatever paths the texts name."""
    text = (
        "See docs/searches.md, `tests/project/`, constraints/tfx-*.txt and "
        "tools/gone.py; benchmarks/curves/<task>.npz, https://host/docs/gone, "
        "//proto/gone:gone, tuner_component/search/gone_*. "
        "python -m benchmarks.parallel, python -m examples.penguin.gone"
    )
    gone = ["tools/gone.py", "tuner_component/search/gone_*", "examples.penguin.gone"]
    assert missing_paths(text) == gone
