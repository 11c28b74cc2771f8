"""What a user asks of a search: TuneArgs, checked, as the options of the search."""
