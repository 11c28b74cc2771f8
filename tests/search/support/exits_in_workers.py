"""A module that ends the process it is imported in, unless that is the driver."""

import os
import sys

if os.environ.get("CUDA_VISIBLE_DEVICES") != "-1":
    sys.exit(4)
