"""The command `tuner-component`: searches without a pipeline, and a look at any search."""
