"""Writing what a search found: the numbers whole or not at all, then the report."""
