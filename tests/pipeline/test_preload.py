"""What is imported once for all workers."""

from tuner_component.pipeline import preload


def test_libraries_of_the_module_are_shared() -> None:
    """Each worker would import what the user's module needs by itself."""
    modules = preload.modules(
        "import tensorflow_transform as tft\nfrom tfx import v1\nimport sklearn.svm\n"
    )
    assert {"tensorflow_transform", "tfx", "tfx.v1", "sklearn.svm"} <= set(modules)


def test_modules_of_the_user_are_not() -> None:
    """They may do anything while they are imported: run TensorFlow, before the fork."""
    modules = preload.modules("import tests.conftest\nfrom examples import penguin\n")
    assert not {name.split(".")[0] for name in modules} & {"tests", "examples"}


def test_unknown_and_relative_imports_are_left_alone() -> None:
    """A worker reports them, with the user's file and line."""
    always = preload.modules("")
    assert preload.modules("import no_such_module\nfrom . import sibling\n") == always


def test_source_that_cannot_be_read_is_left_to_the_workers() -> None:
    """The fork server would die of the user's syntax error."""
    assert preload.modules("def f(:\n") == preload.modules("")


def test_imports_inside_functions_are_not_needed_yet() -> None:
    """They are lazy for a reason."""
    modules = preload.modules("def f():\n    import sklearn.svm\n")
    assert "sklearn.svm" not in modules
