"""The engine as the driver sees it, and its broker, the process that talks to Ray.

Which nodes there are, which places, and what is told of them. What runs there is not here.
"""
