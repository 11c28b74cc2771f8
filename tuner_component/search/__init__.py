"""The search engine: studies that survive every crash, and trials in parallel.

Imports KerasTuner and the standard library only, never TFX, and TensorFlow only where
a path is a URI that nothing else can reach. Runs wherever KerasTuner runs.
"""
