"""The driver on a node of the cluster: `proxy` beside the executor, `host` on the node.

The driver itself is the same as beside the executor; what it does is not here.
"""
