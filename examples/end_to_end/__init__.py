"""Searches over whole programs: preparation, training and evaluation in `run_trial`."""
