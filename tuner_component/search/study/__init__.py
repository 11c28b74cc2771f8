"""The directory of a search: its journal, who holds its lock, what it tells.

It takes and gives plain records. That some of them are about an oracle of KerasTuner's
is known in `oracle` only: a report reads a study where there is no KerasTuner.
"""
