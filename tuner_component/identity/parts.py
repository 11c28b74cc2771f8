"""What makes a search the same search: the parts of a study's fingerprint.

Two runs of a pipeline with equal parts continue one study; a part that differs starts
a new one. What only says how to run the search (how many workers, for how long) is not
a part of it.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any

from tfx import types
from tfx.types import standard_component_specs as specs

from tuner_component.identity import cloud_keys, user_sources
from tuner_component.identity.artifact_content import describe, digest_of_file

# Of the execution properties of a search from the command line: a name for the program,
# and what the module's absl flags are parsed from.
ARGV = "argv"

_log = logging.getLogger(__name__)


def fingerprint_parts(
    input_dict: Mapping[str, list[types.Artifact]],
    exec_properties: Mapping[str, Any],
) -> dict[str, str]:
    """Returns a digest for each input and for the user's code, by its name.

    Of the arguments, see `arguments.tune_args`.

    Artifacts count by content, not by URI or files: a pipeline that runs again without
    cache writes the same examples to another place, in another order.

    Args:
        input_dict: Input artifacts by the keys of `TunerSpec`.
        exec_properties: Execution properties by the keys of `TunerSpec`.
    """
    result = {
        key: _digest(line for artifact in artifacts for line in describe(artifact))
        for key, artifacts in input_dict.items()
        if artifacts
    }
    result |= module_parts(exec_properties)
    for key in (specs.TRAIN_ARGS_KEY, specs.EVAL_ARGS_KEY):
        result[key] = _digest([str(exec_properties.get(key))])
    config = _without_jobs(str(exec_properties.get(specs.CUSTOM_CONFIG_KEY)))
    result[specs.CUSTOM_CONFIG_KEY] = _digest([config])
    # Their values are in custom_config, where others may be that no flag gets.
    flags = {_name(word) for word in (exec_properties.get(ARGV) or [])[1:]}
    if flags := flags - {""}:
        result["flags"] = ", ".join(sorted(flags))
    return result


def _name(word: str) -> str:
    """The name of a flag; "" if that is a value."""
    return word[2:].partition("=")[0] if word.startswith("--") else ""


def _without_jobs(custom_config: str) -> str:
    """The user's values for the module, less those that say where a job runs.

    As they are if they say nothing of a job.
    """
    try:
        config = json.loads(custom_config)
    except ValueError:
        return custom_config
    if not isinstance(config, dict) or not cloud_keys.ALL & config.keys():
        return custom_config
    kept = {key: value for key, value in config.items() if key not in cloud_keys.ALL}
    return json.dumps(kept, sort_keys=True)


def module_parts(exec_properties: Mapping[str, Any]) -> dict[str, str]:
    """Returns those of the user's code alone.

    Args:
        exec_properties: Execution properties by the keys of `TunerSpec`.
    """
    others = user_sources.imported(exec_properties)
    return {
        "module": _module(exec_properties),
        **{f"module {name}": digest for name, digest in others.items()},
    }


def _module(exec_properties: Mapping[str, Any]) -> str:
    """The source of the user's code.

    A packaged module is a wheel with all modules of its directory in it, whose name
    has a hash of them.
    """
    if path := exec_properties.get(specs.MODULE_PATH_KEY):
        name, _, wheel = path.partition("@")
        return _digest([name, os.path.basename(wheel)])
    if path := exec_properties.get(specs.MODULE_FILE_KEY):
        return _digest([digest_of_file(path)])
    function = str(exec_properties.get(specs.TUNER_FN_KEY))
    module = function.rpartition(".")[0]
    file = user_sources.file_of(module)
    if not file:
        _log.warning(
            "Expected a file with the source of the module %s. Received: none, where "
            "Python looks. If the module can be imported all the same, a change of it "
            "does not start a new study.",
            module,
        )
        return _digest([function])
    return _digest([function, digest_of_file(file)])


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
