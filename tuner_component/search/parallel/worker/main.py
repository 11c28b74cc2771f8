"""A worker: the user's own tuner, searching with the trials that the driver hands out.

Nothing of KerasTuner's loop is rebuilt here: the tuner's oracle is replaced by one that
asks the driver, and its `search` is called.
"""

import faulthandler
import functools
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search import errors, events
from tuner_component.search.epochs import Decision
from tuner_component.search.machine import disk_space, output
from tuner_component.search.oracle import pausing
from tuner_component.search.parallel import process_context, protocol, user_code
from tuner_component.search.parallel.engine import Channel
from tuner_component.search.parallel.worker import (
    follower_link,
    link,
    proxy_oracle,
)
from tuner_component.search.storage import files
from tuner_component.search.training import (
    dataset_iterators,
    objective,
    preflight,
    scratch,
    stock_loop,
)
from tuner_component.search.training.epoch_reports import ReportEpoch
from tuner_component.search.training.gang import ALONE
from tuner_component.search.training.instrument import instrument, keep_state


def main(spec: protocol.WorkerSpec, channel: Channel) -> int:
    """Runs trials until the driver has no more.

    Args:
        spec: What this worker is.
        channel: Connection to the driver.

    Returns:
        The status to exit with.
    """
    process_context.set_environment(spec.environment)
    log = output.Output(spec.logs.process(spec.worker_id))
    faulthandler.enable(all_threads=False)
    spec.context.apply()
    # When a worker starts in a slot, the one before it is gone.
    with scratch.claimed(spec.study_directory, _owner(spec)):
        # Forked while there is only this thread; waited for while another one shows the
        # driver that this process is alive.
        check = _begin_check(spec) if spec.preflight else None
        leads = spec.gang.leads
        kind = link.DriverLink if leads else follower_link.FollowerLink
        driver = kind(channel, spec.beat_s)
        driver.start()
        try:
            _search(spec, driver, log, check)
        except errors.UserCodeError as error:
            output.log_traceback()
            if spec.logs.is_copy and spec.logs.are_full:
                return 1  # This node is left out; the search goes on with the others.
            driver.tell(protocol.Crashed(error.portable))
            driver.close()
            return 1
    driver.close()
    return 0


def _owner(spec: protocol.WorkerSpec) -> str:
    """What no other living process of the search is called."""
    rank = "" if spec.gang.leads else f"-rank-{spec.gang.rank}"
    return f"slot-{spec.slot}{rank}"


def _search(
    spec: protocol.WorkerSpec,
    driver: link.DriverLink,
    log: output.Output,
    check: preflight.Check | None,
) -> None:
    if check is not None:
        with errors.user_code("the check before the first trial"):
            check.settle(warn=driver.warn)
    tuner, fit_kwargs = user_code.make_tuner(spec.entry, "worker", spec.seed)
    _join(tuner, spec, driver, log)
    with (
        errors.user_code("tuner.search"),
        files.holding(spec.study_directory),
        dataset_iterators.ended_in_background(),
        disk_space.needed("tuner.search", spec.study_directory),
    ):
        tuner.search(**fit_kwargs)


def _begin_check(spec: protocol.WorkerSpec) -> preflight.Check:
    make = functools.partial(user_code.make_tuner, spec.entry, "check", spec.seed)
    return preflight.Check(make, spec.seed)


def _join(
    tuner: Any, spec: protocol.WorkerSpec, driver: link.DriverLink, log: output.Output
) -> None:
    """Makes the tuner take its trials from the driver."""
    # Each worker writes the tuner's own state to a file of its own.
    tuner.tuner_id = _owner(spec).replace("-", "")
    path = files.join(spec.study_directory, f"tuner-{tuner.tuner_id}.json")
    keep_state(tuner, path)
    # Of several processes that train one trial, all have to stop after the same epoch.
    asks = spec.asks or spec.gang != ALONE or pausing.pauses(tuner.oracle)
    # The log of a trial is what the process prints that speaks for it.
    tuner.oracle = (
        _LoggingOracle(tuner, driver, spec, log)
        if spec.gang.leads
        else proxy_oracle.ProxyOracle(tuner.oracle, driver.call)
    )
    objective.require_objective(tuner)
    # The driver records seeds, and deletes superfluous weights.
    instrument(
        tuner,
        spec.study_directory,
        spec.seed,
        report_epoch=_report_epoch(driver, asks),
        is_ending=driver.is_ending,
        gang=spec.gang,
        pause=tuner.oracle.pause_trial,
    )


def _report_epoch(driver: link.DriverLink, asks: bool) -> ReportEpoch:
    """How the driver hears of epochs."""

    def report(*epoch: Any, **how: bool) -> Decision:
        if asks or driver.is_to_ask():
            return Decision(driver.call("report_epoch", *epoch, **how))
        driver.tell(events.EpochEnded(*epoch))
        return Decision.GO_ON

    return report


class _LoggingOracle(proxy_oracle.ProxyOracle):
    """Leads the worker's output into the log of the trial that is running."""

    def __init__(
        self,
        tuner: Any,
        driver: link.DriverLink,
        spec: protocol.WorkerSpec,
        log: output.Output,
    ) -> None:
        alone = spec.gang == ALONE
        ahead = driver if alone and stock_loop.asks_at_once(tuner) else None
        super().__init__(tuner.oracle, driver.call, alone=alone, ahead=ahead)
        self._spec = spec
        self._log = log

    def create_trial(self, tuner_id: str) -> trial_lib.Trial:
        trial = super().create_trial(tuner_id)
        if trial.status == trial_lib.TrialStatus.RUNNING:
            self._log_to(
                self._spec.logs.trial(trial.trial_id),
                f"Trial {trial.trial_id} on {self._spec.worker_id}: "
                f"{trial.hyperparameters.values}",
            )
        return trial

    def end_trial(self, trial: Any, status: str = "COMPLETED") -> None:
        self._end_log(trial if isinstance(trial, str) else trial.trial_id)
        super().end_trial(trial, status)

    def pause_trial(self, trial_id: str) -> None:
        self._end_log(trial_id)
        super().pause_trial(trial_id)

    def _end_log(self, trial_id: str) -> None:
        logs = self._spec.logs
        self._log_to(logs.process(self._spec.worker_id))
        logs.publish(logs.trial(trial_id))

    def _log_to(self, path: str, heading: str = "") -> None:
        # It would be made anew where somebody has removed the study.
        files.require_place(self._spec.study_directory)
        self._log.to(path, heading)
