"""One call makes the targets of a folder; what its sources import is named by hand."""

load("@rules_python//python:defs.bzl", "py_library", "py_test")

# Importing a module runs the `__init__` of each folder above it. Of these two folders
# that is in a target of its own, which depends on nothing.
_ABOVE = ["tuner_component", "tuner_component/search"]

_RUNNER = "//tools:run_pytest.py"

def python_folder(name = None, srcs = None, rooms = [], third_party = [], deps = [], **kwargs):
    """A library of the modules in this folder, without those in folders below it.

    Args:
      name: The target's name, if it is not the folder's.
      srcs: The modules, if not all of them.
      rooms: The folders of tuner_component that the modules import from.
      third_party: The packages of //third_party/python that they import.
      deps: Other targets that they need.
      **kwargs: Further attributes of py_library.
    """
    here = native.package_name()
    above = ["//%s:package" % top for top in _ABOVE if here.startswith(top + "/")]
    rooms = ["//tuner_component/" + room for room in rooms]
    third_party = ["//third_party/python:" + package for package in third_party]
    py_library(
        name = name or here.split("/")[-1],
        srcs = native.glob(["*.py"]) if srcs == None else srcs,
        data = native.glob(
            ["*.pyi", "py.typed", "data/*.csv", "templates/*"],
            allow_empty = True,
        ),
        visibility = ["//visibility:public"],
        deps = above + rooms + third_party + deps,
        **kwargs
    )

def pytest_folder(reads_checkout = [], **kwargs):
    """A test for each `test_*.py` in this folder and below, and a library of the rest.

    All tests have the same dependencies: through conftest.py, each needs nearly all of
    them anyway. `bazel test TARGET --test_arg=-m --test_arg="not slow"` hands arguments
    to pytest.

    Args:
      reads_checkout: What the paths of tests about the checkout itself begin with: its
        style, its set-up, its packaging. They would find next to nothing in Bazel's
        sandbox, so `bazel test //...` leaves them out. `make test` runs them.
      **kwargs: As for python_folder, for tests and helpers together.
    """
    tests = native.glob(["**/test_*.py"])
    python_folder(
        srcs = native.glob(["**/*.py"], exclude = tests),
        testonly = True,
        **kwargs
    )
    for test in tests:
        py_test(
            name = test[:-len(".py")],
            srcs = [test, _RUNNER],
            main = _RUNNER,
            args = ["$(rootpath %s)" % test],
            data = ["//:pyproject.toml"],
            tags = ["manual"] if test.startswith(tuple(reads_checkout)) else [],
            deps = [":" + native.package_name()],
        )
