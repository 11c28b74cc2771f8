"""An engine: the driver and its workers as processes of this machine.

A fork server imports the heavy modules once. Only who launches a search imports this.
"""
