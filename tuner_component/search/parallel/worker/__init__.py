"""A worker: runs the user's own tuner, with trials that the driver hands out.

It never imports `driver`: what the two say to each other is in `protocol`.
"""
