"""Trials that only sleep, by Ray Tune; `benchmarks.cluster` runs it beside ours.

    python -m benchmarks.ray_tune ADDRESS DIRECTORY --trials N --actors N

Tune is set up as its documentation advises for many short trials:

- `reuse_actors=True`: otherwise each trial starts a process, which imports Ray for seconds.
- No trial begins before all actors have started. Tune gives an actor that becomes free to
  the oldest trial that waits, and ends the one that is being started for it. Where actors
  take longer to start than trials, as here, half of them would never come.
- Tune's loggers, which write three files for each trial, are off.
- `max_concurrent_trials` is not set: the cluster has as many CPUs as there are workers,
  and Tune then has trials ready for those that become free.
- What it writes for a resume is as by default: every 10 seconds at the most, and less
  often where that would take more than a twentieth of the time.

The last line is JSON: when it was called and when it returned, and the controller's CPU
time from the end of the first trial to that of the last.
"""

import argparse
import json
import os
import socket
import time
from typing import Any

import ray
from ray import tune


class _Watch(tune.Callback):  # type: ignore[misc]
    """Looks at this process's CPU time: before there are trials, it waits for actors."""

    began = ended = 0.0

    def on_trial_complete(self, *_: Any, **__: Any) -> None:
        self.ended = time.process_time()
        self.began = self.began or self.ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("directory", help="for the times of trials, and Tune's files")
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--actors", type=int, required=True)
    arguments = parser.parse_args()
    times, here = f"{arguments.directory}/times", f"{arguments.directory}/here"
    actors = arguments.actors
    os.mkdir(here)

    # A function of __main__ travels by value: no node needs this module.
    def trial(config: dict[str, Any]) -> dict[str, Any]:
        open(f"{here}/{socket.gethostname()}-{os.getpid()}", "w").close()
        while len(os.listdir(here)) < actors:
            time.sleep(0.1)
        began = time.time()
        time.sleep(1.0)
        line = {"pid": os.getpid(), "began": began, "ended": time.time()}
        with open(times, "a") as file:
            file.write(json.dumps(line) + "\n")
        return {"score": config["x"]}

    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    ray.init(arguments.address, log_to_driver=False, logging_level="ERROR")
    watch = _Watch()
    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space={name: tune.uniform(0, 1) for name in "xyz"},
        tune_config=tune.TuneConfig(
            metric="score",
            mode="min",
            num_samples=arguments.trials,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            storage_path=f"{arguments.directory}/tune", verbose=0, callbacks=[watch]
        ),
    )
    called = time.time()
    results = tuner.fit()
    assert len(results) == arguments.trials and not results.errors
    print(
        json.dumps(
            {
                "called": called,
                "returned": time.time(),
                "cpu_s": watch.ended - watch.began,
            }
        )
    )


if __name__ == "__main__":
    main()
