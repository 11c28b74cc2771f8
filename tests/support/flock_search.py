"""A toy search in a flock: the program of its replicas.

python -m tests.support.flock_search BOARD STUDY SCRIPT
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from tests.support import buckets, scripts
from tuner_component.extensions.flock import chief, follower, machine, roles
from tuner_component.extensions.flock.board import Board
from tuner_component.extensions.flock.ray_node import PLACE
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.parallel.local import launch
from tuner_component.search.parallel.protocol import EntryPoint


def entry_of(script: scripts.Script) -> EntryPoint:
    """The entry point of the toy search, which may have its files in a bucket."""
    if "TEST_BUCKET" not in os.environ:
        return script.entry()
    toy = script.entry()
    told = json.dumps([os.environ["TEST_BUCKET"], toy.target, toy.argument.decode()])
    return EntryPoint("tests.support.flock_search:make_in_bucket", told.encode())


def make_in_bucket(argument: bytes, role: str) -> Any:
    """Makes the tuner, in a process whose KerasTuner sees the bucket."""
    bucket, target, theirs = json.loads(argument)
    buckets.see_in_tuners(Path(bucket))
    return EntryPoint(target).load()(theirs.encode(), role)


def main(directory: str, study: str, script: str) -> None:
    """Does what a replica does."""
    logging.basicConfig(level=logging.INFO, force=True)
    role = roles.from_environment(os.environ)
    assert role is not None
    board, here = Board(directory), machine.here()
    try:
        if not role.is_chief:
            follower.follow(role, board, here, wait_s=240)
            return
        with chief.leading(role, board, here) as (address, least):
            where = Cluster(address, resources_per_trial={PLACE: 1})
            options = SearchOptions(
                num_workers=len(role.names),
                cpus_per_trial=least.cpus,
                cluster=where,
                seed=7,
                heartbeat_timeout_s=15,
                grace_period_s=3,
                max_failed_trials=0,
            )
            result = launch.run_parallel(
                entry_of(scripts.Script(**json.loads(script))),
                study,
                scripts.FINGERPRINT,
                options,
            )
            print("SCORES", json.dumps(scripts.scores(result)), flush=True)
    except BaseException as error:
        board.fail(role.name, error)
        raise


if __name__ == "__main__":
    main(*sys.argv[1:])
