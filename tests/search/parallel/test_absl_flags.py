"""Flags of absl in the processes of a search."""

import textwrap
from pathlib import Path

from tests.support.taking_over import both


def test_flags_of_the_main_script(tmp_path: Path) -> None:
    """The main script is not imported again, but its flags are asked for."""
    printed = both(
        tmp_path,
        """
        from absl import flags
        flags.DEFINE_integer("steps", 5, "")
        flags.DEFINE_multi_string("data", [], "")
        flags.DEFINE_enum("mode", "fast", ["fast", "slow"], "")
        flags.FLAGS(sys.argv)
        """,
        """
        from absl import flags
        print(flags.FLAGS.steps, flags.FLAGS.data, flags.FLAGS.mode)
        print([flags.FLAGS[name].present for name in ("steps", "data", "mode")])
        """,
        "--data=a",
        "--data=b",
        "--mode=slow",
    )
    assert printed == "5 ['a', 'b'] slow\n[0, 2, 1]\n"


def test_flags_of_other_modules(tmp_path: Path) -> None:
    """A module's flags would have their defaults, or be defined twice."""
    (tmp_path / "flagged.py").write_text(
        textwrap.dedent(
            """
            import enum
            from absl import flags
            class Size(enum.Enum):
                SMALL = 1
                LARGE = 2
            flags.DEFINE_enum_class("size", Size.SMALL, Size, "")
            flags.DEFINE_float("rate", 0.1, "")
            flags.DEFINE_multi_enum_class("sizes", [], Size, "")
            flags.DEFINE(flags.ArgumentParser(), "odd", None, "")
            """
        )
    )
    printed = both(
        tmp_path,
        """
        import flagged
        from absl import flags
        flags.FLAGS(sys.argv)
        flags.FLAGS.odd = {"a": 1}
        """,
        """
        import flagged
        from absl import flags
        print(flags.FLAGS.size, flags.FLAGS.rate, flags.FLAGS.odd)
        print([size.name for size in flags.FLAGS.sizes])
        """,
        "--size=LARGE",
        "--sizes=LARGE",
        "--sizes=SMALL",
    )
    assert printed == "Size.LARGE 0.1 {'a': 1}\n['LARGE', 'SMALL']\n"


def test_flag_that_is_required_is_no_obstacle(tmp_path: Path) -> None:
    """No worker would start where a library that is imported before requires one."""
    (tmp_path / "flagged.py").write_text(
        textwrap.dedent(
            """
            from absl import flags
            flags.DEFINE_string("need", None, "")
            flags.mark_flag_as_required("need")
            """
        )
    )
    printed = both(
        tmp_path,
        """
        import flagged
        from absl import flags
        flags.FLAGS(sys.argv)
        """,
        """
        from absl import flags
        print(flags.FLAGS.need)
        """,
        "--need=this",
        before="import flagged",
    )
    assert printed == "this\n"


def test_flags_that_were_not_parsed_stay_so(tmp_path: Path) -> None:
    """Code that checks for it would behave differently in workers."""
    printed = both(
        tmp_path,
        "from absl import flags",
        "from absl import flags; print(flags.FLAGS.is_parsed())",
    )
    assert printed == "False\n"


def test_flags_of_the_main_scripts_own_classes(tmp_path: Path) -> None:
    """The class is in the main script, which no other process imports."""
    printed = both(
        tmp_path,
        """
        import enum, threading
        from absl import flags
        class Size(enum.Enum):
            SMALL = 1
            LARGE = 2
        flags.DEFINE_enum_class("size", Size.SMALL, Size, "")
        flags.DEFINE_integer("steps", 5, "")
        flags.FLAGS(sys.argv)
        flags.FLAGS.steps = threading.Lock()
        """,
        """
        from absl import flags
        print(flags.FLAGS.size.name, "steps" in flags.FLAGS)
        """,
        "--size=LARGE",
    )
    assert printed == "LARGE False\n"
