"""Files and values on disk: whole or not at all, on any filesystem.

- `files`: reads and writes them, on a local path or a URI.
- `conditional`: writes a file only if nobody else has; `stores` says where that can be.
- `plain`: Python values as JSON, for records that people can read, and their differences.
- `arrays`: values that hold NumPy arrays, as bytes with a checksum, for checkpoints.
- `faults`: where a test may kill the process.

What a file means belongs in the rooms above: nothing here knows of trials.
"""
