"""A study as runs of MLflow: one for the study, and within it one for each trial."""

import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tuner_component.export import mlflow_names as names
from tuner_component.export import reaching, telling
from tuner_component.export.telling import Ending, Standing, Step, Subject
from tuner_component.report.record import COMPLETED, FAILED, RUNNING, StudyRecord

# What a server takes at once.
_METRICS, _PARAMS = 1000, 100
_PAGE = 1000
_THEIRS = {COMPLETED: "FINISHED", FAILED: "FAILED"}
_OURS = {theirs: status for status, theirs in _THEIRS.items()}


class Runs:
    """The runs of one study in MLflow.

    Args:
        study_id: Of the study.
        uri: Of the tracking server or store; None for what MLflow's variables say.

    Raises:
        ImportError: If MLflow is not installed.
        Exception: MLflow's own, here and in all methods, if it does not answer.
    """

    def __init__(self, study_id: str, uri: str | None = None) -> None:
        import mlflow  # Takes seconds.
        from mlflow import MlflowClient, entities

        reaching.reach(uri or mlflow.get_tracking_uri())
        self._entities = entities
        self._client = MlflowClient(uri)
        self._study_id = study_id
        self._experiment = self._experiment_id(names.experiment())
        self._by_trial: dict[str, Any] = {}
        self._parent: Any = None
        for run in self._found():
            trial_id = run.data.tags.get(names.TRIAL)
            if trial_id is None:
                self._parent = run
            else:
                self._by_trial[trial_id] = run
        if self._parent is None:
            tags = {names.STUDY: study_id}
            self._parent = self._create(f"study {study_id}", tags, None)

    def status(self, trial_id: str) -> str | None:
        """See `Runs`."""
        run = self._by_trial.get(trial_id)
        return None if run is None else _OURS.get(run.info.status, RUNNING)

    def begin(
        self, subject: Subject, values: Mapping[str, Any], started: float | None
    ) -> None:
        """See `Runs`."""
        tags = {names.STUDY: self._study_id, names.TRIAL: subject.trial_id}
        tags[names.PARENT] = self._parent.info.run_id
        if subject.confirms is not None:
            tags[names.CONFIRMS] = subject.confirms
        run = self._create(str(subject), tags, started)
        self._by_trial[subject.trial_id] = run
        self._give(run, values)

    def drop(self, trial_id: str) -> None:
        """See `Runs`."""
        self._client.delete_run(self._by_trial.pop(trial_id).info.run_id)

    def log(self, trial_id: str, steps: Collection[Step]) -> None:
        """See `Runs`."""
        self._log(self._by_trial[trial_id], steps)

    def end(self, trial_id: str, ending: Ending) -> None:
        """See `Runs`."""
        run = self._by_trial[trial_id]
        self._log(run, [(0, ending.figures)])
        if ending.cause:
            self._client.set_tag(run.info.run_id, names.CAUSE, ending.cause)
        ended = names.milliseconds(ending.ended)
        run_id, status = run.info.run_id, _THEIRS[ending.status]
        self._client.set_terminated(run_id, status, ended)
        self._by_trial[trial_id] = self._client.get_run(run_id)

    def add(
        self, trial_id: str, values: Mapping[str, Any], figures: Mapping[str, float]
    ) -> bool:
        """See `Runs`; it can always be."""
        run = self._by_trial[trial_id]
        self._give(run, values)
        self._update(run, figures)
        return True

    def stand(self, standing: Standing) -> None:
        """See `Runs`."""
        run_id = self._parent.info.run_id
        if standing.finished:
            self._client.set_terminated(run_id, _THEIRS[COMPLETED])
        if standing.best is not None:
            self._client.set_tag(run_id, names.BEST, standing.best)
        self._update(self._parent, standing.figures)

    def close(self) -> None:
        """See `Runs`: what has not ended runs, for all that MLflow knows."""

    def abandon(self) -> None:
        """See `Runs`: nothing is kept from ending."""

    def _update(self, run: Any, figures: Mapping[str, float]) -> None:
        """Logs the figures that are not what a run had when it was read."""
        had = run.data.metrics
        new = {k: v for k, v in figures.items() if had.get(names.name(k)) != v}
        self._log(run, [(0, new)])

    def _log(self, run: Any, steps: Collection[Step]) -> None:
        now = int(time.time() * 1000)
        found = [
            self._entities.Metric(name, value, now, step)
            for step, values in steps
            for name, value in {names.name(k): v for k, v in values.items()}.items()
        ]
        run_id = run.info.run_id
        for start in range(0, len(found), _METRICS):
            self._client.log_batch(run_id, metrics=found[start : start + _METRICS])

    def _give(self, run: Any, values: Mapping[str, Any]) -> None:
        """Logs the hyperparameters that a run does not have yet."""
        given = [
            self._entities.Param(key, value)
            for key, value in names.params(values).items()
            if key not in run.data.params
        ]
        for start in range(0, len(given), _PARAMS):
            some = given[start : start + _PARAMS]
            self._client.log_batch(run.info.run_id, params=some)

    def _create(self, name: str, tags: dict[str, str], started: float | None) -> Any:
        return self._client.create_run(
            self._experiment,
            start_time=names.milliseconds(started),
            tags=tags,
            run_name=name,
        )

    def _experiment_id(self, name: str) -> str:
        known = self._client.get_experiment_by_name(name)
        if known is None:
            try:
                return str(self._client.create_experiment(name))
            except Exception:
                # Another search may have made it meanwhile.
                known = self._client.get_experiment_by_name(name)
                if known is None:
                    raise
        return str(known.experiment_id)

    def _found(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment],
                f"tags.`{names.STUDY}` = '{self._study_id}'",
                max_results=_PAGE,
                page_token=token,
            )
            yield from page
            token = page.token
            if not token:
                return


def export(study: StudyRecord, uri: str) -> int:
    """Brings a study to MLflow; what is there already is left alone.

    Args:
        study: The study.
        uri: Of the tracking server or store.

    Returns:
        How many trials and re-runs were new.

    Raises:
        ValueError: If MLflow is not installed, or does not take it.
    """
    try:
        return telling.complete(Runs(study.study_id, uri), study)
    except ImportError as error:
        raise ValueError(
            f"Expected MLflow to be installed. Received: {error}. Install "
            "'tfx-tuner-component[mlflow]'."
        ) from error
    except Exception as error:
        raise ValueError(
            f"Expected MLflow to take the study at {uri}. Received: {error!r}. What is "
            "there stays; the same command goes on with it."
        ) from error
