"""An oracle that survives: any KerasTuner oracle, with a journal behind it.

Journaling, restoring and repairing oracles lives here, and what is known of trials.
Who runs the trials, and where, does not. Search algorithms of ours are in `oracles`.
"""
