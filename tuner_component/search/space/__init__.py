"""The space of a search: hyperparameters as numbers, configurations as points of it."""
