"""The example job on a Parquet table: PySpark and polars give the same tables, row by row."""

import os
import runpy
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.frames import engines

from channelplans import quote

pl = pytest.importorskip("polars")

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "spark_renewals.py"
JOB = runpy.run_path(str(EXAMPLE))
ROWS = 3_000
TOMORROW = date(2026, 6, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a job that ran with polars."""
    return run_job(tmp_path_factory.mktemp("job"), "polars")


def run_job(folder, engine):
    """Run the job in a process of its own, because it stops Spark in the end."""
    options = ("--rows", str(ROWS), "--parts", "3", "--engine", engine)
    command = [sys.executable, str(EXAMPLE), str(folder), *options]
    submit = f'--driver-java-options "{engines.JAVA_OPTIONS}" pyspark-shell'
    environment = {**os.environ, "PYSPARK_SUBMIT_ARGS": submit}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    (folder / "summary.txt").write_text(done.stdout.split("\n", 1)[1], encoding="utf-8")
    return folder


def read(folder, table, by):
    """Return a table, sorted by a column."""
    return pl.read_parquet(folder / table / "*.parquet").sort(by)


@pytest.mark.slow
def test_polars_and_spark_give_the_same_tables(folder, tmp_path):
    """Both engines make the same subscriptions, and give the same renewals and forecast."""
    # Not in the process of the other tests with PySpark: the job runs in one of its own.
    engines.start("pyspark")
    spark_folder = run_job(tmp_path, "spark")
    tables = (("subscriptions", "number"), ("{}/renewals", "number"), ("{}/forecast", "day"))
    for table, by in tables:
        by_spark = read(spark_folder, table.format("spark"), by)
        assert by_spark.equals(read(folder, table.format("polars"), by))
    summaries = {(place / "summary.txt").read_text() for place in (folder, spark_folder)}
    assert len(summaries) == 1


def test_renewals_equal_the_scalar_functions(folder):
    """Tomorrow's renewals and the sums of all days equal those of the scalar functions."""
    offer, tariff = JOB["OFFER"], JOB["TARIFF"]
    end = TOMORROW + timedelta(days=90)
    due = {}
    days: dict[date, tuple[int, int]] = {}
    for number, channels, bundles, bought_on in pl.read_parquet(
        folder / "subscriptions" / "*.parquet"
    ).iter_rows():
        plan = offer.plan(channels=channels, bundles=bundles)
        for renewal in offer.term.renewals(bought_on):
            if renewal >= end:
                break
            if renewal < TOMORROW:
                continue
            charge = quote(plan, tariff, on=renewal).total.minor
            if renewal == TOMORROW:
                due[number] = (plan.channels, bundles, renewal, charge)
            count, charges = days.get(renewal, (0, 0))
            days[renewal] = (count + 1, charges + charge)
    rows = read(folder, "polars/renewals", "number").rows()
    assert {number: tuple(rest) for number, *rest in rows} == due
    rows = read(folder, "polars/forecast", "day").rows()
    assert {day: tuple(rest) for day, *rest in rows} == days


def test_without_java_the_job_runs_with_polars(tmp_path, capsys, monkeypatch):
    """PySpark cannot run without Java, so polars takes over and shows which parts are done."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    JOB["main"]([str(tmp_path / "job"), "--rows", "20", "--parts", "2"])

    printed = capsys.readouterr()
    assert printed.out.startswith("polars: ")
    assert "renew: 2 of 2 parts" in printed.err


def test_help_lists_the_options(capsys):
    """The option --help names the number of rows."""
    with pytest.raises(SystemExit):
        JOB["main"](["--help"])
    assert "--rows" in capsys.readouterr().out
