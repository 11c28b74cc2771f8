"""An engine: workers on the nodes of a Ray cluster.

`engine` is what the driver sees, `broker` the process beside it that talks to Ray, and
`agent` what runs on each node. State never lives in the cluster: see `study`.
"""
