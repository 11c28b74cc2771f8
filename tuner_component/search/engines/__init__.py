"""Where workers come from: one module for each kind of place they can run in."""
