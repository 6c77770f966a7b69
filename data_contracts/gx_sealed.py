"""Great Expectations on a connection that is open already: what its version 1.24 lacks for DuckDB.

It closes its connection before it has fetched what it asked for, and refuses patterns in a dialect that it does not
know; PostgreSQL's is near enough. It is imported here, once, when it is first asked for: that costs seconds.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar, Literal

RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""Counts, and no value of a row."""


class _OnUse(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def loaded_on_use(*names: str) -> Iterator[None]:
    """What is imported inside the block has these modules without loading them, until it uses one: they cost a second."""
    standing = {name: _OnUse(name) for name in names if name not in sys.modules}
    for name, module in standing.items():
        module.__spec__ = importlib.util.find_spec(name)
    sys.modules.update(standing)
    try:
        yield
    finally:
        for name, module in standing.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


@functools.cache
def great_expectations() -> SimpleNamespace:
    """`expectations`, and `validate(con, name, query, expectations)`: the result as JSON values, of a query's rows."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with loaded_on_use("scipy.stats", "altair"):  # for two expectations and for plots that we do not ask for
        import great_expectations as gx
    import sqlalchemy as sa
    from duckdb_sqlalchemy import ConnectionWrapper
    from great_expectations import expectations
    from great_expectations.core.id_dict import IDDict
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
    from great_expectations.datasource.fluent import SQLDatasource
    from great_expectations.datasource.fluent.sql_datasource import QueryAsset, TableAsset
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations.expectation import Expectation
    from sqlalchemy.dialects import postgresql

    class Lent:
        """The night's connection until `back` is called: its caches keep what they were given for good."""

        def __init__(self, con: Any) -> None:
            self.con = con

        def __getattr__(self, name: str) -> Any:
            return getattr(self.con, name)

        def back(self) -> None:
            self.con = None

    class SealedConnection(ConnectionWrapper):  # type: ignore[misc]
        """A lent connection: it is not closed, and no transaction is begun or ended on it."""

        autocommit = True

        def close(self) -> None: ...

        def commit(self) -> None: ...

        def rollback(self) -> None: ...

    class SealedEngine(SqlAlchemyExecutionEngine):  # type: ignore[misc]
        _connection: Any

        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.dialect_module = postgresql

        def resolve_metrics(
            self, metrics_to_resolve: Any, metrics: Any = None, runtime_configuration: Any = None
        ) -> dict[Any, Any]:
            """All but the values of rows that broke an expectation: none are shown, so none are asked for."""
            asked = list(metrics_to_resolve)
            values = [metric.id for metric in asked if metric.metric_name.endswith(".unexpected_values")]
            others = [metric for metric in asked if metric.id not in values]
            found = super().resolve_metrics(others, metrics, runtime_configuration) if others else {}
            return {**found, **{id: [] for id in values}}

        @contextmanager
        def get_connection(self) -> Iterator[Any]:
            if self._connection is None:
                self._connection = self.engine.connect()
            yield self._connection

    class SealedDatasource(SQLDatasource):  # type: ignore[misc]
        type: Literal["sealed_duckdb"] = "sealed_duckdb"
        asset_types: ClassVar[list[Any]] = [TableAsset, QueryAsset]

        def test_connection(self, test_assets: bool = True) -> None: ...  # noqa: FBT002  (its signature)

        def get_engine(self) -> Any:
            return self._engine

        def get_execution_engine(self) -> Any:
            self._execution_engine: Any = self._execution_engine or SealedEngine(
                name=self.name, engine=self._engine, create_temp_table=False
            )
            return self._execution_engine

    written_out = Expectation.configuration.fget

    worked_out = IDDict.to_id

    @contextmanager
    def remembering() -> Iterator[None]:
        """What is asked for at each of the hundred looks at an expectation is made once: a third of what a suite costs, and a quarter of the rest.

        An expectation is written out, and the arguments of a metric are digested to name it.
        """
        known: dict[int, tuple[Any, Any]] = {}
        ids: dict[str, Any] = {}

        def configuration(self: Any) -> Any:
            if id(self) not in known:
                known[id(self)] = self, written_out(self)
            return known[id(self)][1]

        def to_id(self: Any, id_keys: Any = None, id_ignore_keys: Any = None) -> Any:
            said = repr((type(self), sorted(self.items()), id_keys, id_ignore_keys))
            if said not in ids:
                ids[said] = worked_out(self, id_keys, id_ignore_keys)
            return ids[said]

        Expectation.configuration, IDDict.to_id = property(configuration), to_id
        try:
            yield
        finally:
            Expectation.configuration, IDDict.to_id = property(written_out), worked_out

    # one context for all: it makes a folder for pages, unless it is told that there will be none
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    context = gx.get_context(mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=stores))
    context.variables.progress_bars = {"globally": False}
    context.variables.save = lambda **_: None  # into memory, as YAML, with each batch: nobody reads it

    def validate(con: Any, name: str, query: str, suite: Sequence[Any]) -> dict[str, Any]:
        lent = Lent(con)
        engine = sa.create_engine(
            "duckdb:///:memory:",  # never opened: `creator` hands over the connection that is there
            creator=lambda: SealedConnection(lent),
            poolclass=sa.pool.StaticPool,
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
        )
        source = SealedDatasource(name=name, connection_string="duckdb:///:memory:", create_temp_table=False)
        source._engine = engine  # noqa: SLF001  (there is no other way to lend it one)
        source._data_context = context  # noqa: SLF001
        try:
            asset = source.add_query_asset(name, query=query)
            batch = asset.add_batch_definition_whole_table(name).get_batch()
            with remembering():
                result = batch.validate(gx.ExpectationSuite(name, list(suite)), result_format=RESULT_FORMAT)
            return dict(result.to_json_dict())
        finally:
            engine.dispose()
            lent.back()

    return SimpleNamespace(expectations=expectations, validate=validate)
