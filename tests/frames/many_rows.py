"""Many copies of random rows, so that the scalar functions compute only the different ones.

Quotes and refunds are compared on a million rows, the other functions on a hundred thousand.
"""

import random

from tests.frames import engines

ROWS, ROWS_OF_PRICES = 100_000, 1_000_000

#: How many different rows the scalar functions compute.
DIFFERENT, DIFFERENT_PRICES = 2_000, 10_000


def draw(seed, rows, columns, answers, results, number=ROWS):
    """Return a number of rows, drawn from these with the seed, and their answers, as tables."""
    import pyarrow as pa

    drawn = pa.array(random.Random(seed).choices(range(len(rows)), k=number))
    expected = {
        name: pa.array(values)
        for name, values in zip(results, zip(*answers, strict=True), strict=True)
    }
    return engines.table(rows, columns).take(drawn), pa.table(expected).take(drawn)


def copy(table, owner):
    """Return many rows: copies of a table, in which no two copies have the same owners.

    Args:
        table: a table with ``DIFFERENT`` rows.
        owner: the column with the names of the owners.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    place = table.column_names.index(owner)
    copies = []
    for number in range(ROWS // DIFFERENT):
        names = pc.binary_join_element_wise(table[owner], str(number), "-")
        copies.append(table.set_column(place, owner, names))
    return pa.concat_tables(copies)


def check(frame, expected):
    """Compare the results of a frame with a table of the same columns, row by row."""
    read = engines.to_arrow(frame)
    for name in expected.column_names:
        values = expected[name]
        assert values.combine_chunks().equals(read[name].cast(values.type).combine_chunks()), name
