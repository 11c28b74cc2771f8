"""Names of files and directories, made of what others have named.

An oracle may give its trials any ids: with slashes or dots in them, or longer than a
filesystem takes.
"""

import hashlib
import re

# What every filesystem takes, and no quoted name is mistaken for: not `%`, nor `~`. A dot
# in front would hide a file, or lead out of the directory.
_PLAIN = re.compile(r"(?!\.)[A-Za-z0-9_.-]{1,100}")
_SPECIAL = re.compile(rb"^\.|[^A-Za-z0-9_.-]")
_LONGEST = 100
_DIGITS = 32


def component(name: str) -> str:
    """One component of a path that stands for a name, and for no other.

    Args:
        name: Any string; an id of KerasTuner's, a number, stays as it is.

    Returns:
        The name itself if that is a plain one; otherwise it is quoted as in a URL, and the
        end of a long one replaced by a checksum.
    """
    if _PLAIN.fullmatch(name):
        return name
    # A lone surrogate is as good as any other character.
    data = name.encode("utf-8", "surrogatepass")
    quoted = _SPECIAL.sub(lambda found: b"%%%02X" % ord(found[0]), data).decode()
    if 0 < len(quoted) <= _LONGEST:
        return quoted
    checksum = hashlib.sha256(data).hexdigest()[:_DIGITS]
    return f"{quoted[: _LONGEST - _DIGITS]}~{checksum}"
