"""The search engine: studies that survive every crash, and trials in parallel.

Never imports TFX, and TensorFlow only inside functions, where a path is a URI that
nothing else can reach. It runs wherever KerasTuner and a Keras backend are installed.
"""
