"""The docstrings of the messages, from the comments in tuner.proto."""

OF = {
    "TuneArgs": """\
    How to run the search. Field 1 is wire- and JSON-compatible with
    tfx.components.tuner.TuneArgs, which this message replaces; fields 2 to 4 are
    reserved there and therefore here.

    Attributes:
        num_parallel_trials: How many trials run at the same time, each in a worker
            process of its own. 0 (the default) runs the search sequentially inside
            the executor's process; 1 runs it sequentially in a supervised process.
        cpus_per_trial: CPU threads for each worker. 0 (the default) divides the
            machine's among them; on a cluster it means 1, and the node that runs
            the worker reserves them for it. Variables like OMP_NUM_THREADS that you
            set yourself are left alone.
        gpus_per_trial: GPUs for each worker, whole (1, 2, ...) or a fraction (0.5:
            two workers share one). Unset divides the machine's GPUs among the
            workers, and on a cluster it means none; 0 hides them.
        max_retries: How often a trial is tried again after its worker died: killed,
            out of memory, hung, over the time limit; or after the whole search died
            with it, in process too. All runs of a search count together. Unset
            means 2.
        trial_timeout_seconds: A trial that takes longer is killed and tried again.
            0 means no limit.
        time_budget_seconds: After this time no further trial starts, running ones
            get half a minute to finish, and the best result so far is published. 0
            means no limit.
        max_failed_trials: The search fails when more trials than this have failed
            for good. Unset means any number, but fewer than ten in a row (or than
            your oracle's own max_consecutive_failed_trials, if you changed that).
        study_dir: The directory, a path or URI, below which studies are kept, to be
            resumed after a crash. Empty means
            <pipeline_root>/<node>/.system/studies. Each study has a directory
            there, named after what shapes the search.
        seed: Makes the search reproducible: hyperparameters, weights, shuffling. If
            unset, a seed is drawn and recorded.
        max_trials_per_worker: A worker is replaced after this many trials, in case
            user code leaks memory. 0 means never.
        stopping: When to end a trial before its last epoch. Unset means never.
        skip_preflight: Skips the check, before the first trial, that the default
            model trains and reports the objective.
        cluster: Where the workers run. Unset means on the executor's machine. A
            study can go on on a cluster that began on one machine, and the other
            way round.
        search: How points are chosen. Empty means by the oracle of the tuner that
            tuner_fn returns. "auto" puts a search in its place that needs no
            choosing: it learns from all epochs of all trials, pauses them and
            continues those that are worth it. "tpe", "gp", "cmaes", "qmc" and
            "random" are Optuna's samplers. All else of the tuner stays as it is.
        confirm_top: When the search is over, so many of the best trials are run
            again with other seeds, and the best mean of their new scores is
            published: the best of many scores is partly luck. 0 means none.
        confirm_seeds: How often each of them is run again. 0 means 3.
        pareto: Looks for the front of several objectives (a tuner whose objective
            is a list) instead of the smallest sum: the trials that no other trial
            beats in all of them.
        constraints: What the result must meet, each as METRIC <= NUMBER, or with
            >=, < or >; for example "size <= 5e6". The metric is any that trials
            report.
        stop_when: When the search ends before all trials were run. Empty means
            never. "converged": when going on is expected to gain less than what is
            between equal configurations, for the search "auto" only, whose model
            says so. A study that has ended so goes on if this is left out.
        max_trials: How many trials the search has, in place of what the tuner says.
            A finished study that had fewer goes on, with all that it knows.
            Hyperband, which has no such number of its own, begins further
            iterations until there are so many. 0 means what the tuner says.
        retry: Trials that failed in earlier runs of the search are run again, with
            the same hyperparameters, at the beginning of this one; a finished study
            goes on with that. Unset means none; without ids and causes it means all
            that have failed.
        trackers: What is told of the search while it runs, by name: "mlflow", whose
            server, experiment and credentials are those of its variables
            (MLFLOW_TRACKING_URI and others); "wandb", Weights & Biases, in the mode
            that WANDB_MODE or your login says, and offline if there is neither. A
            tracker that fails is left out, with a warning.
""",
    "Retry": """\
    Which failed trials are run again: those with these ids, and those with these
    causes.

    Attributes:
        trials:
        causes: Parts of the line that names what a trial failed with, as the report
            and `tuner-component status` show it. Numbers in it are all alike.
        times: How often each of them is run again, all runs of the search together.
            0 means once.
""",
    "Cluster": """\
    A running Ray cluster, and what a trial needs of a node beside cpus_per_trial
    and gpus_per_trial. A node that has no place for a trial is not used.

    Attributes:
        address: "auto" for the cluster that this machine is a node of, or the host
            and port of the head, such as "ray-head:6379", "10.0.0.7:6379" or
            "[fd00::7]:6379". The search is a driver of the cluster, so its process
            must run on a node of it; a node without CPUs will do. Addresses of the
            Ray Client (ray://) are refused.
        memory_gib_per_trial: Memory that a node reserves for a trial, in GiB. 0
            means none.
        resources_per_trial: Amounts of the cluster's custom resources, by their
            names.
        wait_seconds: How long the search waits while it has no place for any trial,
            before it fails. 0 means 900.
        workers_per_trial: How many processes train one trial together, each with
            the CPUs, GPUs, memory and resources of a trial. They find each other by
            TF_CONFIG, or by what jax.distributed and keras.distribution read; the
            module must use them. 0 means 1.
        driver_on_cluster: Whether the search's driver runs on a node of the
            cluster, too, which needs one CPU for it; otherwise it runs where the
            component does.
""",
    "Stopping": """\
    A rule that ends trials before their last epoch. A trial that was stopped counts
    with its best epoch.

    Attributes:
        rule: Which rule. NONE (the default) ends no trial.
        grace_epochs: No trial is stopped before it was trained for this many
            epochs. 0 means 1.
        reduction_factor: Which share of the trials continues in ASHA and HYPERBAND:
            1 in this many. 0 means 3.
        warmup_trials: No trial is stopped before this many were trained to the end.
            Unset means 5 with MEDIAN, and 0 with the other rules.
        patience: For PATIENCE: epochs without progress. 0 means 5.
        max_epochs: For HYPERBAND: the number of epochs of a trial that is not
            stopped.

    Rule:
        MEDIAN: Its best value so far is worse than the median, at the same epoch,
            of the trials that were trained to the end.
        ASHA: Asynchronous successive halving: after grace_epochs, and after each
            further reduction_factor-fold of them, only the best 1 in
            reduction_factor continues.
        HYPERBAND: Several such halvings side by side that start sooner and later.
            Needs max_epochs.
        PATIENCE: Its best value so far is more than `patience` epochs old, whatever
            other trials do.
        SERVICE: The service that suggests trials says so: with VizierSearch on
            Vertex AI only. It hears of each epoch, and its answer counts from the
            next one on.
""",
    "TunerFnArgs": """\
    Everything needed to rebuild the FnArgs that TFX passes to tuner_fn, on this
    machine or another. All paths are URIs that both can read.

    Attributes:
        working_dir: A directory that the search may write to.
        train_files, eval_files: File patterns of the splits used for training and
            for evaluation.
        train_splits, eval_splits: The names of those splits.
        train_steps, eval_steps: Number of steps; 0 means FnArgs' None: no limit.
        schema_path, transform_graph_path, base_model: Optional inputs; an empty
            string means FnArgs' None.
        custom_config: custom_config as the component serialized it (JSON with TFX's
            own objects).
        payload_format, data_view_uri: The name of a
            tfx.components.example_gen.PayloadFormat value, and the URI of the
            DataView that decodes FORMAT_PROTO payloads (empty if there is none):
            together they define fn_args.data_accessor.
        num_examples: Number of examples in each split, if statistics were given.
        study_id: The study that the trials belong to; the same for every process of
            a search.
        module_file, module_path, tuner_fn: Where tuner_fn is: a file, an importable
            module, or a function in one. Exactly one of these is set.
        search: What the search puts in the place of the tuner's oracle:
            TuneArgs.search.
        best_model: Whether the model of the best trial is wanted: then a tuner that
            can never give one is refused before the first trial.
        argv: The command line that the module's absl flags are parsed from: a name
            for the program, then flags. Empty if nobody parses them, as in a
            pipeline.
""",
}
