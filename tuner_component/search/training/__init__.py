"""Inside one trial: seeds, checkpoints, epochs, weights, and what a tuner keeps.

It hooks into the user's tuner; which trial is next, or whether it counts, is not its
business.
"""
