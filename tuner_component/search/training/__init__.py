"""Inside one trial: seeds, checkpoints, epochs, weights, and what a tuner keeps.

It hooks into the user's tuner (`instrument`). Which trial is next, and whether a result
counts, is decided in `oracle`.
"""
