"""A module that cannot be imported, unless by the driver."""

import os

if os.environ.get("CUDA_VISIBLE_DEVICES") != "-1":
    raise RuntimeError("only in workers")
