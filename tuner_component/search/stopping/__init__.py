"""Rules that end a trial early, and the learning curves that they look at.

A new rule goes here. How a trial is told to stop belongs in `training`.
"""
