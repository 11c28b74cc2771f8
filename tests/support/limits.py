"""How long tests wait: where something is faulty, not where all goes well."""

import os

# Whether searches run on a cluster (see `ray_cluster`), where they take seconds to begin.
ON_CLUSTER = os.environ.get("TEST_ENGINE") == "ray"
# For what a search or a trial does.
WAIT_S = 240.0 if ON_CLUSTER else 120.0
# For a whole search that ends by a limit of its own, its start included: on a busy machine,
# and less than a silent worker has by default.
SEARCH_S = 60.0 if ON_CLUSTER else 30.0
# A time budget in which a search begins, and not much more.
BUDGET_S = 60.0 if ON_CLUSTER else 5.0
# How many processes are killed at random, and at most how long after one another. A
# search that begins takes a dozen of them along on a cluster, and seconds to get to trials.
KILLS, NEXT_KILL_S = (20, 12.0) if ON_CLUSTER else (200, 0.6)
# For the end of what a search has started, or for its next process: on a busy machine, and
# less than running trials have by default when a search is stopped.
END_S = 15.0
