"""What runs on each node of a cluster for a search: `agent`, and what it looks at there.

It knows the driver by its messages only. What the driver thinks of nodes is not here.
"""
