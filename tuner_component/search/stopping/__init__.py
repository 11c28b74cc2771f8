"""Rules that end a trial early, and the learning curves that they look at.

A new rule is made in `pruner`; `rule` says when it is asked. How a trial is told to stop
belongs in `training`.
"""
