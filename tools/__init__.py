"""What works on the project itself; none of it is installed."""
