"""The BUILD files say what the sources import, and the tool that sees to it works."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT
from tools.build_deps import Tree
from tools.build_files import BuildError

LOWER = """\
py_library(
    name = "lower",
    srcs = ["__init__.py"],
)
"""
UPPER = """\
# The layer above.
py_library(
    name = "upper",
    srcs = [
        "__init__.py",
        "module.py",
    ],
    data = glob(["*.txt"]),  # Not the tool's business.
    visibility = ["//visibility:public"],
    deps = ["//lower"],
)
"""
THIRD_PARTY = """\
python_packages(
    names = ["keras"],
)
"""
# Two layers whose BUILD files are right.
FILES = {
    "lower/BUILD": LOWER,
    "lower/__init__.py": "",
    "upper/BUILD": UPPER,
    "upper/__init__.py": "",
    "upper/module.py": "import lower",
    "third_party/python/BUILD": THIRD_PARTY.replace('    names = ["keras"],\n', ""),
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


def deps(root: Path, label: str) -> set[str]:
    """What a target should depend on."""
    (target,) = (t for t in Tree(root).targets if t.label == label)
    return target.deps


def run(root: Path, action: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.build_deps", action, "--root", str(root)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_this_projects_build_files_are_true() -> None:
    """Bazel would build with what is not declared, or rebuild for nothing."""
    done = run(ROOT, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_true_build_files_pass(root: Path) -> None:
    """The other tests' drifts would not be what --check complains of."""
    done = run(root, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("changed", "diff"),
    [
        pytest.param(
            {"upper/module.py": "import lower, keras"},
            ['-    deps = ["//lower"],', '+        "//third_party/python:keras",'],
            id="missing dependency",
        ),
        pytest.param(
            {"upper/module.py": ""}, ['-    deps = ["//lower"],'], id="superfluous one"
        ),
        pytest.param(
            {"upper/new.py": ""}, ['+        "new.py",'], id="source in no target"
        ),
        pytest.param(
            {"lower/BUILD": LOWER.replace('["', '["gone.py", "')},
            ['-    srcs = ["gone.py", "__init__.py"],'],
            id="source that is gone",
        ),
        pytest.param(
            {"upper/part/new.py": ""},
            ['+        "part/new.py",'],
            id="source in a directory without a BUILD file",
        ),
        pytest.param(
            {"third_party/python/BUILD": THIRD_PARTY},
            ['-    names = ["keras"],'],
            id="package that nothing imports",
        ),
    ],
)
def test_drift_is_shown_then_fixed(
    root: Path, changed: dict[str, str], diff: list[str]
) -> None:
    """BUILD files would go stale unseen, or nobody would know the remedy."""
    write(root, changed)
    check = run(root, "--check")
    assert check.returncode == 1
    assert set(diff) <= set(check.stdout.splitlines())
    assert "python -m tools.build_deps --fix" in check.stderr
    assert run(root, "--fix").returncode == 0
    assert run(root, "--check").stdout == ""


def test_fix_leaves_the_rest_alone(root: Path) -> None:
    """Comments and attributes that people wrote would be lost."""
    write(root, {"upper/module.py": "import lower, keras", "upper/new.py": ""})
    expected = UPPER.replace(
        '        "module.py",\n', '        "module.py",\n        "new.py",\n'
    ).replace(
        '    deps = ["//lower"],\n',
        '    deps = [\n        "//lower",\n        "//third_party/python:keras",\n    ],\n',
    )
    assert Tree(root).rewritten()["upper"] == expected


def test_new_test_becomes_a_target(root: Path) -> None:
    """Each new test would want a target by hand."""
    write(root, {"upper/test_module.py": "import pytest\n\nfrom upper import module"})
    assert Tree(root).rewritten()["upper"] == UPPER + (
        "\npytest_test(\n"
        '    name = "test_module",\n'
        '    srcs = ["test_module.py"],\n'
        "    deps = [\n"
        '        ":upper",\n'
        '        "//third_party/python:pytest",\n'
        "    ],\n"
        ")\n"
    )


def test_target_without_sources_goes(root: Path) -> None:
    """A test that was renamed would leave a target that does not build."""
    (root / "lower/__init__.py").unlink()
    write(root, {"upper/module.py": ""})
    assert Tree(root).rewritten()["lower"].strip() == ""


@pytest.mark.parametrize(
    "source",
    [
        "import lower",
        "from lower import anything",
        "def f():\n    import lower",
        "class C:\n    def f(self):\n        from lower import x",
        "if TYPE_CHECKING:\n    from lower import X",
        "try:\n    import lower\nexcept ImportError:\n    pass",
        "from ...lower import x",
        "from ... import lower",
    ],
)
def test_import_is_seen_wherever_it_stands(root: Path, source: str) -> None:
    """What is imported late would be missing when a program gets there."""
    write(root, {"upper/module.py": "", "upper/part/module.py": source})
    assert deps(root, "//upper:upper") == {"//lower:lower"}


def test_package_from_elsewhere_is_named_by_its_top_level(root: Path) -> None:
    """Two spellings of a package would be two dependencies."""
    source = "import json, os.path, keras.ops\nfrom google.protobuf import message"
    write(root, {"upper/module.py": source})
    assert deps(root, "//upper:upper") == {
        "//third_party/python:google.protobuf",
        "//third_party/python:keras",
    }


def test_module_needs_the_packages_around_it(root: Path) -> None:
    """Python runs them first, wherever Bazel believes that they belong."""
    files = {"lower/part/BUILD": LOWER.replace("lower", "part")}
    write(root, {**files, "lower/part/__init__.py": ""})
    assert deps(root, "//lower/part:part") == {"//lower:lower"}


def test_test_needs_the_fixtures_around_it(root: Path) -> None:
    """pytest loads them without any import."""
    conftest = 'py_library(\n    name = "conftest",\n    srcs = ["conftest.py"],\n)\n'
    write(root, {"upper/BUILD": UPPER + conftest, "upper/conftest.py": ""})
    write(root, {"upper/part/test_module.py": ""})
    assert "//upper:conftest" in deps(root, "//upper:part/test_module")


LAZY = """
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lower.heavy import Heavy
"""


def lazy_package(root: Path, imported: str) -> set[str]:
    """Dependencies of a module that imports from a package with a lazy name."""
    heavy = 'py_library(\n    name = "%s",\n    srcs = ["%s.py"],\n)\n'
    build = 'py_library(\n    name = "lower",\n)\n'
    build += heavy % ("package", "__init__") + heavy % ("heavy", "heavy")
    write(root, {"lower/BUILD": build, "lower/__init__.py": LAZY})
    write(root, {"lower/heavy.py": "import keras", "upper/module.py": imported})
    assert deps(root, "//lower:lower") == {"//lower:heavy", "//lower:package"}
    assert deps(root, "//lower:package") == set()
    return deps(root, "//upper:upper")


@pytest.mark.parametrize("source", ["import lower", "from lower import Heavy"])
def test_lazy_name_needs_what_it_stands_for(root: Path, source: str) -> None:
    """The first use of the name would fail."""
    assert lazy_package(root, source) == {"//lower:lower"}


def test_what_is_not_lazy_needs_no_more_than_itself(root: Path) -> None:
    """A light module would depend on everything, TFX included."""
    assert lazy_package(root, "from lower import __name__") == {"//lower:package"}


def test_entry_to_keep_is_kept(root: Path) -> None:
    """What is loaded by name could not be declared."""
    kept = 'deps = [\n        "//lower",  # keep: loaded by name\n    ]'
    text = UPPER.replace('deps = ["//lower"]', kept)
    write(root, {"upper/BUILD": text, "upper/module.py": ""})
    assert Tree(root).rewritten()["upper"] == text


OWN = 'py_library(\n    name = "module",\n    srcs = ["module.py"],\n)\n'


def test_file_with_a_target_of_its_own_leaves_the_larger(root: Path) -> None:
    """Two targets would have the same file, and importers no way to choose."""
    write(root, {"upper/BUILD": UPPER + OWN})
    assert deps(root, "//upper:module") == {"//lower:lower", "//upper:upper"}
    assert '    srcs = ["__init__.py"],\n' in Tree(root).rewritten()["upper"]


def test_new_source_joins_the_largest_library(root: Path) -> None:
    """A new module of a layer would end up in a target that only collects others."""
    upper = UPPER.replace('        "module.py",\n', "")
    own = OWN.replace('["module.py"]', '["module.py", "other.py"]')
    write(root, {"upper/BUILD": upper + own, "upper/other.py": "", "upper/new.py": ""})
    (module,) = (t for t in Tree(root).targets if t.name == "module")
    assert "upper/new.py" in module.files


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({"elsewhere/x.py": ""}, "elsewhere/x.py, in none", id="homeless"),
        pytest.param(
            {"lower/__init__.py": "import upper.module"},
            "//upper:upper <- //lower:lower",
            id="cycle",
        ),
        pytest.param(
            {"lower/BUILD": 'py_library(name = "lower", srcs = ["__init__.py"])\n'},
            "lines of its own",
            id="one line",
        ),
    ],
)
def test_what_a_person_must_decide_is_said(
    root: Path, files: dict[str, str], message: str
) -> None:
    """The tool would guess, or end in a stack trace."""
    write(root, files)
    with pytest.raises(BuildError, match=message):
        Tree(root).rewritten()
    done = run(root, "--fix")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert message in done.stderr
