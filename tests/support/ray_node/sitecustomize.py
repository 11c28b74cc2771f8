"""Has the agents of a test cluster get their fork servers from `node_servers`."""

import os
import sys

# jsonschema, which Ray imports, would take three seconds for it in each of its processes.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

if "TEST_NODE_SERVERS" in os.environ:
    from tests.support import clocks, node_servers
    from tuner_component.search.parallel.local import server_process

    server_process.start_interpreter = node_servers.start
    clocks.shift()
