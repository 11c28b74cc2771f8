"""The command `tuner-component`: tunes without a pipeline, and shows any search."""
