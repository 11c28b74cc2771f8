"""TFX's own tests of its Tuner, run against ours: what drop-in means."""

from unittest import mock

import pytest
from tfx.components.tuner import component as stock_component
from tfx.components.tuner import component_test, executor_test
from tfx.components.tuner import executor as stock_executor

from tuner_component import Executor, Tuner

pytestmark = pytest.mark.slow  # Real Keras searches.


class TestStockExecutorScenarios(executor_test.ExecutorTest):
    """Module file, tuner_fn, custom splits, several artifacts: as stock does."""

    def setUp(self) -> None:
        super().setUp()
        self.enter_context(mock.patch.object(stock_executor, "Executor", Executor))

    # Stock refuses TuneArgs; running with them is what this component is for.
    testTuneArgs = None


class TestStockComponentScenarios(component_test.TunerTest):
    """The constructor and its outputs: as stock has them."""

    def setUp(self) -> None:
        super().setUp()
        self.enter_context(mock.patch.object(stock_component, "Tuner", Tuner))


# Imported names that start with Test would be collected a second time, as stock.
del executor_test, component_test
