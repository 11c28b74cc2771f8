"""A search whose trials run in worker processes.

`engine` is what the driver asks of whatever starts workers, `protocol` what the
processes say to each other. Each kind of process, and each engine, has a folder.
"""
