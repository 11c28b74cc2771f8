"""What the tests of parallel searches share: real processes, started cheaply."""
