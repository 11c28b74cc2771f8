"""A pipeline whose search reaches the preprocessing: see README.md."""
