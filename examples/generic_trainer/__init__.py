"""TFX's generic Trainer with what the Tuner found: `run_fn` in four ways."""
