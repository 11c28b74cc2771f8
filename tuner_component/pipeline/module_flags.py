"""The absl flags of the user's module, parsed in each process that imports it."""

from collections.abc import Sequence

from absl import flags


def parse(argv: Sequence[str], module: str) -> None:
    """Parses flags as `absl.app.run` would, had the user's module been started.

    Flags that nobody defines are left to `fn_args.custom_config`, unless the module
    defines some of its own: then an unknown one is a slip.

    Args:
        argv: A name for the program, then flags.
        module: The name of the module.

    Raises:
        ValueError: If a flag is unknown, or has a wrong value.
    """
    known = flags.FLAGS
    own = sorted(flag.name for flag in known.get_flags_for_module(module))
    for name in map(_name, argv[1:]):
        if name in known:
            known[name].unparse()  # This process may have parsed it before.
    try:
        left = known(list(argv), known_only=not own)
    except flags.Error as error:
        raise ValueError(
            f"Expected flags that the module defines: {', '.join(own) or 'none'}. "
            f"Received: {' '.join(argv[1:])} ({error})."
        ) from error
    if own and len(left) > 1:
        raise ValueError(
            f"Expected only flags behind --. Received: {' '.join(left[1:])}. Write "
            "--name=value."
        )


def _name(argument: str) -> str:
    return argument.lstrip("-").partition("=")[0]
