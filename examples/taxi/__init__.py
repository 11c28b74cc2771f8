"""A regression on raw examples of two months, with a schema and without Transform."""
