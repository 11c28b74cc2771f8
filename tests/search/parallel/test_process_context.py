"""What processes take over from the one that starts them."""

import json
from pathlib import Path

from tests.support.taking_over import both


def test_the_search_path_and_the_command_line(tmp_path: Path) -> None:
    """Modules beside the user's would not be found."""
    printed = both(
        tmp_path,
        "sys.path.append('/somewhere')",
        "import json; print(json.dumps([sys.path[-1], sys.argv]))",
        "--data=x",
    )
    main = str(tmp_path / "main.py")
    assert json.loads(printed) == ["/somewhere", [main, "--data=x"]]


def test_logging(tmp_path: Path) -> None:
    """What the user has set up to be logged would not be, or look different."""
    printed = both(
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
    printed = both(
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
