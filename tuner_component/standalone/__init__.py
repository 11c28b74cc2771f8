"""A search from a script or a notebook: no pipeline, and no TFX."""
