"""Has the agents of a test cluster get their fork servers from `node_servers`.

All processes of the cluster see the bucket with the directory `TEST_BUCKET`, if one is set;
a broker lets nodes that lack memory rest for `TEST_REST_S` seconds. With `TEST_RAY_HELPERS`
`ray start` does not wait for its helpers.
"""

import os
import sys
from pathlib import Path

# jsonschema, which Ray imports, would take three seconds for it in each of its processes.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

if "TEST_NODE_SERVERS" in os.environ:
    from tests.support import clocks, node_servers
    from tuner_component.search.parallel.local import server_process

    server_process.start_interpreter = node_servers.start
    clocks.shift()
if "TEST_REST_S" in os.environ:
    from tuner_component.search.parallel.ray.engine import deaths

    deaths._REST_S = float(os.environ["TEST_REST_S"])
if "TEST_BUCKET" in os.environ:
    from tests.support import buckets

    buckets.see(Path(os.environ["TEST_BUCKET"]), {})
if "TEST_RAY_HELPERS" in os.environ and "ray.scripts.scripts" in sys.orig_argv:
    from tests.support import ray_cluster

    ray_cluster.do_not_wait_for_helpers()
