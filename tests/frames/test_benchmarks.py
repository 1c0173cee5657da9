"""The benchmarks of columns run, with small tables and a single round."""

import pytest

pytest.importorskip("polars")
pytest.importorskip("duckdb")
pytest.importorskip("pandas")

FIGURES = 7


def test_each_figure_of_columns_is_measured(pyspark, monkeypatch):
    """Both sides of each figure give the same table, and a ratio is measured."""
    from benchmarks import columns
    from tests.frames import engines

    # The tests of a process share a session, so the figure must not stop it.
    monkeypatch.setattr(columns, "start_spark", lambda: SharedSession(engines.spark()))
    figures = columns.make_figures(rows=2_000, rounds=1)
    assert len(figures) == FIGURES
    for figure in figures:
        assert all(ratio > 0 or "memory" in figure.name for ratio in figure.measure())


def test_the_figure_of_traffic_is_measured():
    """Both sides of the figure measure the same traffic, and a ratio is measured."""
    from benchmarks import traffic

    figure = traffic.make_figure(rows=2_000, rounds=1)
    assert all(ratio > 0 for ratio in figure.measure())


class SharedSession:
    """A session of Spark that is not stopped."""

    def __init__(self, session):
        self.session = session

    def __getattr__(self, name):
        return getattr(self.session, name)

    def stop(self):
        """Keep the session."""
