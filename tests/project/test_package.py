"""What a person gets who installs the package: names, metadata, wheel and sdist."""

import ast
import importlib.metadata
import os
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import tuner_component
from tests.support import environments
from tests.support.imports import imports_of
from tests.support.project import ROOT, extras, requirements, setup_arguments

DISTRIBUTION = "tfx-tuner-component"


def python(code: str) -> str:
    """Runs code in a fresh interpreter that finds this checkout; returns its output."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_is_lazy() -> None:
    """Reading a version, or using one layer, would cost the import of TFX."""
    loaded = python("import sys, tuner_component; print(*sys.modules)").split()
    assert {"google.protobuf", "keras_tuner", "tensorflow", "tfx"}.isdisjoint(loaded)


def test_import_takes_under_50_ms() -> None:
    """Every process of a search would pay for what it does not use."""
    # The processor's time: others may be at work here.
    code = (
        "import time; start = time.process_time()\n"
        "import tuner_component; print(time.process_time() - start)"
    )
    assert statistics.median(float(python(code)) for _ in range(5)) < 0.05


def test_every_lazy_name_is_public() -> None:
    """A name would work without `import *`, completion and type checkers knowing it."""
    lazy = [*tuner_component._MODULE_OF, "__version__"]
    assert sorted(tuner_component.__all__) == sorted(lazy) == dir(tuner_component)


def test_unknown_name_is_an_attribute_error() -> None:
    """hasattr and getattr with a default would raise."""
    assert not hasattr(tuner_component, "no_such_name")


def test_type_checkers_see_what_is_imported() -> None:
    """A type checker would check calls against another class than the program has."""
    source = Path(tuner_component.__file__).read_text()
    (block,) = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    lazy = tuner_component._MODULE_OF.items()
    assert seen == {name: f"tuner_component.{module}" for name, module in lazy}


@pytest.mark.slow
@pytest.mark.parametrize("name", tuner_component._MODULE_OF)
def test_public_name_is_ours(name: str) -> None:
    """A documented import would fail, or bring TFX's class of the same name."""
    value = getattr(tuner_component, name)
    module = f"tuner_component.{tuner_component._MODULE_OF[name]}"
    if name == "TunerFnResult":  # Existing modules return TFX's own.
        module = "tfx.components.tuner.component"
    assert (value.__module__, value.__name__) == (module, name)


def test_version_is_that_of_the_distribution() -> None:
    """A bug report would name another version than the one installed."""
    assert tuner_component.__version__ == importlib.metadata.version(DISTRIBUTION)


_DISTRIBUTIONS = {
    "IPython": "ipython",
    "absl": "absl-py",
    "botocore": "boto3",
    "google.api_core": "google-api-core",
    "google.cloud": "google-cloud-storage",
    "google.auth": "google-auth",
    "google.protobuf": "protobuf",
    "mlflow": "mlflow-skinny",
    "grpc": "grpcio",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
# What the package does without, or says that it is missing, and the extra that brings it.
_OPTIONAL = {
    "boto3": "s3",
    "mlflow-skinny": "mlflow",
    "ray": "ray",
    "wandb": "wandb",
}


def third_party_imports() -> set[str]:
    """The distributions that the package's modules import from."""
    names = {
        ".".join(name.split(".")[: 2 if name.startswith("google.") else 1])
        for path in (ROOT / "tuner_component").rglob("*.py")
        for name, _, _ in imports_of(ast.parse(path.read_text()), "tuner_component")
    }
    names -= sys.stdlib_module_names | {"tuner_component"}
    return {_DISTRIBUTIONS.get(name, name).replace("_", "-") for name in names}


def test_what_is_imported_is_required() -> None:
    """The package would work only where somebody else brings what it needs.

    An extra does not count: no README tells whom to install it, and no image has it. But
    for what the package does without.
    """
    required = {
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        for requirement in requirements()
    }
    assert third_party_imports() - required == _OPTIONAL.keys()
    for name, extra in _OPTIONAL.items():
        (requirement,) = extras()[extra]
        assert re.split(r"[^\w.-]", requirement, maxsplit=1)[0] == name


def test_an_index_gets_no_link_to_a_file() -> None:
    """Links and pictures of the README would be broken where the package is found."""
    text = setup_arguments()["long_description"]
    assert re.findall(r"\]\((?!https?://)[^)]*\)", text) == []
    assert "](docs/" in (ROOT / "README.md").read_text()
    for heading in re.findall(r"^#.*", (ROOT / "README.md").read_text(), re.MULTILINE):
        assert heading in text


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout: building leaves files behind, stale ones get packed."""
    ignored = shutil.ignore_patterns(
        ".*cache", ".git", ".venv*", "*.egg-info", "__pycache__", "bazel-*"
    )
    copy = tmp_path_factory.mktemp("sources") / "checkout"
    shutil.copytree(ROOT, copy, ignore=ignored, symlinks=True)
    for name in ("build", "dist", "runs"):
        shutil.rmtree(copy / name, ignore_errors=True)
    return copy


@pytest.fixture(scope="module")
def dist(sources: Path) -> Path:
    """A directory with the sdist, and the wheel that was built from that sdist."""
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation"],
        cwd=sources,
        check=True,
        capture_output=True,
    )
    return sources / "dist"


def only(directory: Path, pattern: str) -> Path:
    (found,) = directory.glob(pattern)
    return found


@pytest.mark.slow
def test_sdist_is_the_whole_project(sources: Path, dist: Path) -> None:
    """A distributor could not build, test or generate the messages from it."""
    before = {
        str(path.relative_to(sources)) for path in sources.rglob("*") if path.is_file()
    }
    before -= {name for name in before if name.startswith(("dist/", "tfx_tuner_"))}
    with tarfile.open(only(dist, "*.tar.gz")) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert before - packed <= {".gitignore"}


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(sources: Path, dist: Path) -> None:
    """Types or a module would be missing, or our tests would be installed."""
    package = sources / "tuner_component"
    ours = {str(path.relative_to(sources)) for path in package.rglob("*.py*")}
    templates = sorted(package.rglob("templates/*"))
    wanted = {"report.html", "index.html", "plotly-basic.min.js"}
    assert wanted <= {path.name for path in templates}
    ours |= {str(path.relative_to(sources)) for path in templates}
    ours |= {"tuner_component/py.typed"}
    with zipfile.ZipFile(only(dist, "*.whl")) as archive:
        packed = set(archive.namelist())
    assert {name for name in packed if ".dist-info/" not in name} == ours
    assert any(name.endswith("/licenses/LICENSE") for name in packed)
    assert any(name.endswith("/plotly-basic.LICENSE.txt") for name in packed)


@pytest.mark.slow
def test_an_index_takes_and_shows_it(dist: Path) -> None:
    """An upload would be refused, or the page of the package be raw text."""
    python = environments.interpreter("twine", ["twine>=6,<8"])
    files = [only(dist, "*.whl"), only(dist, "*.tar.gz")]
    subprocess.run([python, "-m", "twine", "check", "--strict", *files], check=True)


@pytest.mark.slow
def test_wheel_works_outside_the_checkout(dist: Path, tmp_path: Path) -> None:
    """The package would work for nobody but us."""
    venv.create(tmp_path / "venv", with_pip=True)
    installed = str(tmp_path / "venv" / "bin" / "python")
    wheel = str(only(dist, "*.whl"))
    subprocess.run(
        [installed, "-m", "pip", "install", "--no-deps", "--no-index", wheel],
        check=True,
        capture_output=True,
    )
    code = (
        "import tuner_component\n"
        "print(tuner_component.__file__)\n"
        "for name in tuner_component.__all__: getattr(tuner_component, name)"
    )
    done = subprocess.run(
        [installed, "-c", code],
        check=False,
        cwd=tmp_path,
        # The requirements, without the editable install: a directory on
        # PYTHONPATH does not have its .pth files read.
        env=os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))
