"""The directory of a search: its journal, who holds its lock, what it tells.

It takes and gives plain records; that some are of an oracle of KerasTuner's is
known in `oracle`. A report reads it where there is no KerasTuner.
"""
