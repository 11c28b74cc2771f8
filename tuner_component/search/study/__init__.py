"""The directory of a search: its description, its journal, its history, its lock.

It takes and gives plain records. Only `oracle` knows that some of them are about an
oracle of KerasTuner's: a report reads a study where there is no KerasTuner.
"""
