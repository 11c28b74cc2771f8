"""Runs pytest on its arguments, as the main program of a Bazel test."""

import sys

import pytest

sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]))
