"""Tests that are written for pytest."""

load("@rules_python//python:defs.bzl", "py_test")

# The tags of tests about the checkout itself: its style, its set-up, its packaging.
# They would find next to nothing in Bazel's sandbox. `make test` runs them.
READS_CHECKOUT = ["manual"]

_RUNNER = "//tools:run_pytest.py"

def pytest_test(name, srcs, deps = [], data = [], **kwargs):
    """A test that passes when pytest does on its sources.

    `bazel test TARGET --test_arg=-m --test_arg="not slow"` hands arguments to pytest.

    Args:
      name: The target's name.
      srcs: The test modules.
      deps: What they import.
      data: Files that they read.
      **kwargs: Further attributes of py_test.
    """
    py_test(
        name = name,
        srcs = srcs + [_RUNNER],
        main = _RUNNER,
        args = ["$(rootpath %s)" % src for src in srcs],
        data = data + ["//:pyproject.toml"],
        # The runner's; a test may name it too.
        deps = depset(deps + ["//third_party/python:pytest"]).to_list(),
        **kwargs
    )
