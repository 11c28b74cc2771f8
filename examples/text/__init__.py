"""A classifier of sentences whose vocabulary is tuned."""
