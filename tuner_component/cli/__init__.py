"""The command `tuner-component`: runs searches without a pipeline, and shows any search.

Parsing and printing only: `executor` runs the search. A command is a function in `tune`
or `look`.
"""
