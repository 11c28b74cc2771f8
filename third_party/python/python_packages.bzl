"""Packages that come with the Python that runs the programs."""

load("@rules_python//python:defs.bzl", "py_library")

def python_packages(names):
    """Declares packages of the virtual environment, so that targets can name them.

    Args:
      names: What is imported, with a dot where distributions share the first part.
    """
    for name in names:
        py_library(name = name)
