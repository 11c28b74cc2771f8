"""TFX's own tests of its Tuner in a job, run against ours: what drop-in means."""

from unittest import mock

from tfx.extensions.google_cloud_ai_platform.tuner import (
    component as stock_component,
)
from tfx.extensions.google_cloud_ai_platform.tuner import (
    component_test as component_tests,
)
from tfx.extensions.google_cloud_ai_platform.tuner import (
    executor_test as executor_tests,
)

from tuner_component.extensions.google_cloud_ai_platform import (
    component,
    executor,
    runner,
)


class TestStockExecutor(executor_tests.ExecutorTest):
    """What the job is started with: as stock does."""

    def setUp(self) -> None:
        # What they call is looked up while they are set up.
        ours = mock.patch.object(executor_tests, "ai_platform_tuner_executor", executor)
        ours.start()
        self.addCleanup(ours.stop)
        super().setUp()
        # The tests replace that of the stock module.
        self.mock_runner = self.enter_context(mock.patch.object(executor, "runner"))
        self.mock_runner.no_vertex = runner.no_vertex

    # They are of the endpoint that Google has turned off.
    testDo = None
    testDoWithTuneArgs = None
    testDoWithTuneArgsAndTrainingInputOverride = None


class TestStockComponent(component_tests.TunerTest):
    """The constructor and its outputs: as stock has them."""

    def setUp(self) -> None:
        super().setUp()
        self.enter_context(mock.patch.object(stock_component, "Tuner", component.Tuner))
