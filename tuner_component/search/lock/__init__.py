"""One driver for each study: locks of the kernel, and leases where there are none."""
