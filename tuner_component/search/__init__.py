"""Running a search: needs keras_tuner and a Keras backend, and nothing of TFX."""
