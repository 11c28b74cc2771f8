"""An engine: the driver and its workers as processes of this machine.

`launch` is where the executor enters. A fork server imports the heavy modules once and
forks the rest; `engine` is what the driver sees. Nothing else imports this.
"""
