"""Read the form of the page "Try it": numbers, a call log and a price list."""

import csv
from collections.abc import Mapping
from datetime import UTC
from typing import TypeVar

from channelplans.errors import ChannelPlansError, quoted
from channelplans.explore import CallLog, Product, read_calls
from channelplans.money import EUR, GBP, JPY, PLN, USD
from channelplans.offers import OFFERS
from channelplans.tariffs import Tariff

__all__ = ["FormError", "read_log", "read_number", "read_products"]

T = TypeVar("T")

CURRENCIES = {currency.code: currency for currency in (EUR, GBP, JPY, PLN, USD)}

REQUIRED_COLUMNS = ("offer", "currency", "channel")
OTHER_COLUMNS = ("name", "bundle", "minute", "setup")


class FormError(ValueError):
    """A field of the form cannot be read; the message says what would work."""


def read_number(form: Mapping[str, str], field: str) -> int | None:
    """Return the whole number in a field of the form, or None if the field is empty."""
    text = form[field].strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise FormError(f"{field} must be a whole number, such as 30, not {quoted(text)}")
    return int(text)


def read_log(text: str) -> CallLog:
    """Return the calls of a call log with the columns start, seconds or end, and id.

    Times without an offset are read as UTC.

    Raises:
        FormError: the text is not CSV, or has no call.
    """
    columns, rows = _read_csv("the call log", text)
    if "start" not in columns or not {"seconds", "end"} & set(columns):
        raise FormError(
            "the first line of the call log must name the columns start, and seconds or end,"
            f" not {quoted(','.join(columns))}"
        )
    log = read_calls(
        [row for _, row in rows],
        seconds="seconds" if "seconds" in columns else None,
        end=None if "seconds" in columns else "end",
        id="id" if "id" in columns else None,
        zone=UTC,
    )
    if not log.calls:
        reason = str(log.refused[0]) if log.refused else "it has no row below its first line"
        raise FormError(f"the call log has no call; {reason}")
    return log


def read_products(text: str, destination: str) -> list[Product]:
    """Return the products of a price list: on each line an offer and its prices.

    The price of a minute is also that of a minute to the destination outside the bundles' area.

    Raises:
        FormError: the text is not CSV, or a line cannot be read. The message names the line.
    """
    columns, rows = _read_csv("the price list", text)
    unknown = [column for column in columns if column not in REQUIRED_COLUMNS + OTHER_COLUMNS]
    if unknown or not set(REQUIRED_COLUMNS) <= set(columns):
        raise FormError(
            f"the first line of the price list must name the columns {', '.join(REQUIRED_COLUMNS)}"
            f" and, if you need them, {', '.join(OTHER_COLUMNS)}, not {quoted(','.join(columns))}"
        )
    products = []
    for line, row in rows:
        try:
            products.append(_read_product(row, destination))
        except (ChannelPlansError, FormError) as error:
            raise FormError(f"line {line} of the price list: {error}") from error
    return products


def _read_csv(name: str, text: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the columns of a CSV text, and its rows, each with the number of its line."""
    reader = csv.reader(text.splitlines(), skipinitialspace=True, strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise FormError(f"{name} is not CSV at line {reader.line_num}: {error}") from error
    lines = [(line, cells) for line, cells in lines if any(cells)]
    if not lines:
        raise FormError(f"{name} is empty; its first line must name the columns")
    (_, columns), *rows = lines
    for line, cells in rows:
        if len(cells) > len(columns):
            raise FormError(
                f"line {line} of {name} has {len(cells)} cells, but there are {len(columns)}"
                " columns; write 6.95, not 6,95"
            )
    return columns, [(line, dict(zip(columns, cells, strict=False))) for line, cells in rows]


def _read_product(row: Mapping[str, str], destination: str) -> Product:
    """Return the product of a row; an empty cell is a price that the tariff does not have."""
    offer = _choose("offer", row["offer"], OFFERS)
    currency = _choose("currency", row.get("currency", ""), CURRENCIES)
    minute = row.get("minute") or None
    tariff = Tariff(
        row.get("name") or "your prices",
        currency,
        channel=row.get("channel", ""),
        bundle=row.get("bundle") or None,
        minute=minute,
        rates={destination: minute} if minute and destination else {},
        setup=row.get("setup") or "0",
    )
    return Product(offer, tariff)


def _choose(column: str, key: str, choices: Mapping[str, T]) -> T:
    if key not in choices:
        raise FormError(f"{column} must be one of {', '.join(choices)}, not {quoted(key)}")
    return choices[key]
