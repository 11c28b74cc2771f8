"""What processes take over from the one that starts them."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support.project import ROOT

_CHILD = """
import pickle, sys
sys.path.insert(0, {root!r})
context = pickle.load(open({pickle!r}, "rb"))
context.apply()
"""


def _both(tmp_path: Path, parent: str, child: str, *argv: str) -> str:
    """Runs code in a process, and other code in one that takes its state over."""
    pickle = str(tmp_path / "context")
    main = tmp_path / "main.py"
    main.write_text(
        f"import pickle, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        + textwrap.dedent(parent)
        + textwrap.dedent(
            f"""
            from tuner_component.search.parallel.process_context import ProcessContext
            with open({pickle!r}, "wb") as file:
                pickle.dump(ProcessContext.capture(), file)
            """
        )
    )
    subprocess.run([sys.executable, str(main), *argv], check=True, cwd=tmp_path)
    code = _CHILD.format(root=str(ROOT), pickle=pickle) + textwrap.dedent(child)
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    return done.stdout + done.stderr


def test_the_search_path_and_the_command_line(tmp_path: Path) -> None:
    """Modules beside the user's would not be found."""
    printed = _both(
        tmp_path,
        "sys.path.append('/somewhere')",
        "import json; print(json.dumps([sys.path[-1], sys.argv]))",
        "--data=x",
    )
    main = str(tmp_path / "main.py")
    assert json.loads(printed) == ["/somewhere", [main, "--data=x"]]


def test_flags_of_the_main_script(tmp_path: Path) -> None:
    """The main script is not imported again, but its flags are asked for."""
    printed = _both(
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
        """,
        "--data=a",
        "--data=b",
        "--mode=slow",
    )
    assert printed == "5 ['a', 'b'] slow\n"


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
            """
        )
    )
    printed = _both(
        tmp_path,
        """
        import flagged
        from absl import flags
        flags.FLAGS(sys.argv)
        """,
        """
        import flagged
        from absl import flags
        print(flags.FLAGS.size, flags.FLAGS.rate)
        """,
        "--size=LARGE",
    )
    assert printed == "Size.LARGE 0.1\n"


def test_flags_that_were_not_parsed_stay_so(tmp_path: Path) -> None:
    """Code that checks for it would behave differently in workers."""
    printed = _both(
        tmp_path,
        "from absl import flags",
        "from absl import flags; print(flags.FLAGS.is_parsed())",
    )
    assert printed == "False\n"


def test_logging(tmp_path: Path) -> None:
    """What the user has set up to be logged would not be, or look different."""
    printed = _both(
        tmp_path,
        """
        import logging
        logging.basicConfig(format="{levelname}: {message}", style="{", level=30)
        logging.getLogger("user.chatty").setLevel("DEBUG")
        """,
        """
        import logging
        logging.getLogger("user.chatty").debug("heard")
        logging.getLogger("user.other").info("not heard")
        logging.warning("loud")
        """,
    )
    assert printed == "DEBUG: heard\nWARNING: loud\n"


def test_absl_logging(tmp_path: Path) -> None:
    """TFX pipelines log through absl."""
    printed = _both(
        tmp_path,
        """
        from absl import logging
        logging.use_absl_handler()
        logging.set_verbosity(logging.INFO)
        """,
        """
        import logging
        from absl import logging as absl_logging
        absl_logging.info("through absl")
        logging.getLogger("other").info("through Python")
        """,
    )
    assert "] through absl" in printed and "] through Python" in printed
