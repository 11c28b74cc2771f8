"""What `tuner-component tune --help` says of the fields of `TuneArgs`."""

TEXTS = {
    "num_parallel_trials": "how many trials run at the same time, each in a worker "
    "process (default: 1); 0 runs them one by one in this process, for a debugger",
    "cpus_per_trial": "CPU threads for each worker (default: the machine's threads, "
    "divided equally)",
    "gpus_per_trial": "GPUs for each worker; 0.5 lets two workers share one (default: "
    "the machine's GPUs, divided equally)",
    "max_retries": "how often a trial is tried again after its worker died (default: 2)",
    "trial_timeout_seconds": "a trial that takes longer is killed and tried again "
    "(default: no limit)",
    "time_budget_seconds": "after this time no more trials start (default: no limit)",
    "max_failed_trials": "the search fails when more trials than this have failed "
    "(default: any number may fail, but not 10 in a row)",
    "study_dir": "the directory that holds the studies (default: OUT/studies)",
    "seed": "makes the search reproducible (default: a random seed, which is recorded)",
    "max_trials_per_worker": "a worker is replaced after this many trials, in case "
    "your code leaks memory (default: never)",
    "stopping": "how to stop hopeless trials early: median, asha, hyperband or patience, "
    "with options behind a colon, for example asha:grace_epochs=2,reduction_factor=4; "
    "see docs/searches.md (default: trials are not stopped)",
    "skip_preflight": "do not check before the first trial that the default model trains",
    "search": "how points are chosen: auto, or one of Optuna's samplers (tpe, gp, cmaes, "
    "qmc, random); see docs/algorithms.md (default: as the module's tuner does)",
    "confirm_top": "when the search is over, run so many of the best trials again, with "
    "other seeds, and publish the best mean; see docs/searches.md (default: none)",
    "confirm_seeds": "how often each of them is run again (default: 3)",
    "pareto": "looks for the front of several objectives, not for the smallest sum; "
    "see docs/searches.md",
    "constraints": 'what the result must meet, for example --constraint "size <= 5e6"; '
    "may be repeated",
    "stop_when": "converged: end the search when going on is not expected to gain "
    "anything worth it; for --search auto (default: when all trials were run)",
    "max_trials": "how many trials the search has; a finished search that had fewer goes "
    "on (default: as the module's tuner says)",
    "retry": "run failed trials again: {} for all of them, or for example "
    '{"trials": ["07"]} or {"causes": ["OutOfMemory"]}; see docs/searches.md and '
    "tuner-component retry (default: none)",
    "trackers": "tell this tracker of the search while it runs: mlflow, with the server of "
    "MLFLOW_TRACKING_URI, or wandb, with your login, and offline without one; may be "
    "repeated (default: none)",
    "cluster": "runs the workers on a Ray cluster: auto for the one that this machine is "
    "a node of, or the address of its head, for example ray-head:6379; see "
    "docs/cluster.md (default: they run on this machine)",
}
# Of the fields of TuneArgs.cluster but its address, which is the value of --cluster.
OF_CLUSTER = {
    "memory_gib_per_trial": "memory that a node reserves for a trial, in GiB (default: "
    "none)",
    "resources_per_trial": "a custom resource of the cluster that a trial needs, and how "
    "much of it, for example --resource TPU=4; may be repeated",
    "wait_seconds": "how long the search waits while the cluster has no place for any "
    "trial (default: 900)",
    "workers_per_trial": "processes that train one trial together, each with what a trial "
    "gets; see docs/cluster.md (default: 1)",
    "driver_on_cluster": "runs the search's driver on a node of the cluster, too, which "
    "needs one CPU for it (default: it runs on this machine)",
}
