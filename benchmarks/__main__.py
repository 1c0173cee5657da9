"""Measure all figures and print a table: ``python -m benchmarks``, or ``tox run -e bench``.

Pass a part of a name to measure only some: ``python -m benchmarks erlang_b``.
"""

import argparse

from benchmarks import columns, scalar, traffic
from benchmarks.figures import describe_machine, print_figure


def main() -> None:
    """Measure the figures whose name contains one of the parts, or all of them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure all figures."
    )
    parser.add_argument("parts", nargs="*", help="parts of the names of the figures to measure")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the tables")
    parser.add_argument("--rounds", type=int, default=7, help="rounds for each table")
    options = parser.parse_args()
    figures = [
        figure
        for figure in [
            *scalar.FIGURES,
            *columns.make_figures(options.rows, options.rounds),
            traffic.make_figure(options.rows, options.rounds),
        ]
        if not options.parts or any(part in figure.name for part in options.parts)
    ]
    print(describe_machine())
    print(f"tables of {options.rows:,} rows")
    met = [print_figure(figure) for figure in figures]
    print(f"{sum(met)} of {len(met)} figures keep their bound")


if __name__ == "__main__":
    main()
