"""An engine: workers on the nodes of a Ray cluster. Here: what its machines say.

Its parts are `engine` beside the driver, `node` on each node, and `remote_driver` if the
driver is on one, too. State never lives in the cluster: see `study`.
"""
