"""Who runs what, and which trials run alone."""

from tuner_component.search.parallel.driver.attempts import Attempts


def test_a_trial_is_repeated_as_often_as_allowed() -> None:
    """A poisonous trial would be repeated forever, or a good one given up."""
    book = Attempts(max_retries=1)
    book.begin("7", "a", 0.0)
    assert book.lose("7", out_of_memory=False)
    attempt = book.begin("7", "b", 1.0)
    assert attempt.number == 2
    assert not book.lose("7", out_of_memory=False)


def test_out_of_memory_is_repeated_once_whatever_the_retries() -> None:
    """A trial that had no memory beside others would never get its chance."""
    book = Attempts(max_retries=0)
    book.begin("7", "a", 0.0)
    assert book.lose("7", out_of_memory=True)
    assert book.one_at_a_time
    assert book.begin("7", "b", 1.0).alone
    assert book.one_at_a_time
    assert not book.lose("7", out_of_memory=True)
    assert not book.one_at_a_time


def test_another_trial_before_the_one_that_runs_alone_is_not_it() -> None:
    """The trial would be taken for done and run beside others after all."""
    book = Attempts(max_retries=0)
    book.begin("7", "a", 0.0)
    book.lose("7", out_of_memory=True)
    assert not book.begin("8", "a", 0.0).alone
    book.end("8")
    assert book.one_at_a_time


def test_attempts_are_found_by_worker() -> None:
    """A dead worker's trial would be lost."""
    book = Attempts(max_retries=0)
    attempt = book.begin("7", "a", 0.0)
    assert book.of_worker("a") is attempt
    assert book.of_worker("b") is None
    book.end("7")
    assert book.of_worker("a") is None
