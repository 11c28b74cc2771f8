"""Benchmarks. Each one states its goal in its docstring."""
