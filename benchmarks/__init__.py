"""Benchmarks; each one states its goal in its docstring."""
