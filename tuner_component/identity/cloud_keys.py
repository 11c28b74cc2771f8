"""The entries of `custom_config` that say where in Google's cloud a job runs.

The names are TFX's, whose modules with them import all of Google's clients.
"""

TUNING_ARGS_KEY = "ai_platform_tuning_args"
TRAINING_ARGS_KEY = "ai_platform_training_args"
JOB_ID_KEY = "ai_platform_training_job_id"
LABELS_KEY = "ai_platform_training_labels"
ENABLE_VERTEX_KEY = "ai_platform_enable_vertex"
VERTEX_REGION_KEY = "ai_platform_vertex_region"
ENABLE_UCAIP_KEY = "ai_platform_training_enable_ucaip"
UCAIP_REGION_KEY = "ai_platform_training_ucaip_region"
REMOTE_TRIALS_WORKING_DIR_KEY = "remote_trials_working_dir"

# What describes a job.
OF_JOBS = (TUNING_ARGS_KEY, TRAINING_ARGS_KEY)
# Where a search runs is no part of what it is.
ALL = frozenset(
    {
        *OF_JOBS,
        *(JOB_ID_KEY, LABELS_KEY, ENABLE_VERTEX_KEY, VERTEX_REGION_KEY),
        *(ENABLE_UCAIP_KEY, UCAIP_REGION_KEY, REMOTE_TRIALS_WORKING_DIR_KEY),
    }
)
