"""The driver: the process that owns the study and the oracle, and hands out trials.

It must know of workers only what `engine` and `protocol` say, and never imports
`worker` or an engine: it is the same wherever its workers run.
"""
