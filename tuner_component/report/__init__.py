"""What people see of a search: its record, its report, and live views of it.

Knows the study's record, not the search that makes it: a study can be looked at without
the user's code, TFX, TensorFlow or KerasTuner.
"""
