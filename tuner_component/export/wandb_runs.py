"""A study as runs of Weights & Biases: one for each trial, and one for the study."""

import contextlib
import os
from collections.abc import Collection, Mapping
from typing import Any

from tuner_component.export import reaching
from tuner_component.export import wandb_names as names
from tuner_component.export.telling import Ending, Standing, Step, Subject
from tuner_component.export.wandb_directory import Directory, Told
from tuner_component.report.record import COMPLETED, FAILED, RUNNING

# A run tells what it is told: nothing of this machine, this code, this terminal.
_QUIET = {
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "save_code": False,
    "silent": True,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}


class Runs:
    """The runs of one study in Weights & Biases: on its server, or in files for it.

    Their ids follow from the study and the trial, so whoever writes one again replaces it.
    What was told whole is noted beside the files that wandb keeps of a run.

    Args:
        study_id: Of the study.

    Attributes:
        place: Where they are, for people.

    Raises:
        ImportError: If wandb is not installed.
        Exception: wandb's own, here and in all methods, if it does not take something.
    """

    def __init__(self, study_id: str) -> None:
        import wandb  # Takes seconds.

        if not hasattr(wandb, "init"):
            # Python takes any directory of the name for it, and it has made one here.
            raise ImportError(f"a directory wandb in {os.getcwd()} that is another one")
        self._wandb = wandb
        self._study_id = study_id
        settings = wandb.setup().settings
        online = _online(wandb, settings)
        self._project = settings.project or names.PROJECT
        if online:
            reaching.reach(settings.base_url)
            target = [settings.base_url, settings.entity or "", self._project]
            self.place = f"the project {self._project} at {settings.base_url}"
        else:
            target = ["", settings.entity or "", self._project]
            directory = os.path.normpath(settings.wandb_dir)
            _check(directory)
            self.place = f"offline runs in {directory} (to upload: wandb sync)"
        self._mode = None if online else "offline"
        self._directory = Directory(settings.wandb_dir, not online, target)
        self._told = self._directory.told()
        self._open: dict[str, Any] = {}

    def status(self, trial_id: str) -> str | None:
        """See `telling.Runs`."""
        if trial_id in self._open:
            return RUNNING
        told = self._told.get(self._id(trial_id))
        return told.status if told else None

    def begin(
        self, subject: Subject, values: Mapping[str, Any], started: float | None
    ) -> None:
        """See `telling.Runs`: when it began is when it was told."""
        config = names.config(values)
        kind = "trial" if subject.confirms is None else "re-run"
        about = {names.TRIAL: subject.trial_id}
        if subject.confirms is not None:
            about[names.CONFIRMS] = subject.confirms
        run_id = self._id(subject.trial_id)
        run = self._init(run_id, str(subject), kind, {**config, **about})
        self._open[subject.trial_id] = run

    def drop(self, trial_id: str) -> None:
        """See `telling.Runs`: on the server, the next one with its id replaces it."""
        if (run := self._open.pop(trial_id, None)) is not None:
            run.finish(exit_code=1)
        self._forget(self._id(trial_id))

    def log(self, trial_id: str, steps: Collection[Step]) -> None:
        """See `telling.Runs`."""
        for step, values in steps:
            if values:
                self._open[trial_id].log({**names.figures(values), names.EPOCH: step})

    def end(self, trial_id: str, ending: Ending) -> None:
        """See `telling.Runs`."""
        run = self._open.pop(trial_id)
        figures = dict(ending.figures)
        run.summary.update(names.figures(figures))
        # `wandb sync` uploads all as finished.
        run.summary[names.STATUS] = ending.status
        if ending.cause:
            run.summary[names.CAUSE] = ending.cause
        values = sorted(set(run.config.keys()) - names.ABOUT)
        self._finish(run, Told(ending.status, values, figures))

    def add(
        self, trial_id: str, values: Mapping[str, Any], figures: Mapping[str, float]
    ) -> bool:
        """See `telling.Runs`: nothing can be added to a run that is over."""
        told = self._told[self._id(trial_id)]
        return (told.values, told.figures) == (
            sorted(names.config(values)),
            dict(figures),
        )

    def stand(self, standing: Standing) -> None:
        """See `telling.Runs`: the study has a run, which is written anew if it differs."""
        values = [standing.best or "", "finished" if standing.finished else "running"]
        told = Told(COMPLETED, values, dict(standing.figures))
        if self._told.get(self._study_id) == told:
            return
        name = f"study {self._study_id}"
        run = self._init(self._study_id, name, "study", {})
        run.summary.update(names.figures(standing.figures))
        run.summary.update({names.BEST: values[0], names.STATUS: values[1]})
        self._finish(run, told)

    def close(self) -> None:
        """See `telling.Runs`: they count as preempted."""
        while self._open:
            _, run = self._open.popitem()
            run.mark_preempting()
            run.finish(exit_code=1)

    def abandon(self) -> None:
        """See `telling.Runs`: whoever cannot wait ends the process."""

    def _id(self, trial_id: str) -> str:
        return names.run_id(self._study_id, trial_id)

    def _init(
        self,
        run_id: str,
        name: str,
        kind: str,
        config: Mapping[str, Any],
    ) -> Any:
        self._forget(run_id)
        # Which there are depends on the release.
        known = self._wandb.Settings.model_fields
        settings = {name: value for name, value in _QUIET.items() if name in known}
        run = self._wandb.init(
            id=run_id,
            name=name,
            group=self._study_id,
            job_type=kind,
            project=self._project,
            config=dict(config),
            mode=self._mode,
            reinit="create_new",
            settings=self._wandb.Settings(**settings),
        )
        run.define_metric(names.EPOCH, hidden=True)
        run.define_metric("*", step_metric=names.EPOCH)
        return run

    def _finish(self, run: Any, told: Told) -> None:
        directory = run.settings.sync_dir
        run.finish(exit_code=1 if told.status == FAILED else 0)
        # Only now all of it is there.
        self._directory.note(directory, told)
        self._told[run.id] = told

    def _forget(self, run_id: str) -> None:
        self._told.pop(run_id, None)
        self._directory.remove(run_id)


def _check(directory: str) -> None:
    """Raises if runs cannot be kept: wandb would have them where nobody looks."""
    with contextlib.suppress(OSError):
        os.makedirs(directory, exist_ok=True)
        if os.access(directory, os.W_OK):
            return
    raise ValueError(
        f"Expected a directory that can be written, for runs to be uploaded later. "
        f"Received: {directory}. Set WANDB_DIR"
    )


def _online(wandb: Any, settings: Any) -> bool:
    """Whether the user has said so, by a variable, a setting or a login."""
    if settings.mode == "disabled":
        raise ValueError(
            "Expected WANDB_MODE to be online or offline. Received: disabled, with which "
            "nothing is written"
        )
    if settings.mode in ("offline", "dryrun"):
        return False
    if os.environ.get("WANDB_MODE") or settings.identity_token_file:
        return True
    return bool(wandb.api.api_key)
