"""What the page "Try it" computes: a form as text in; a plan, its price and its picture out.

The page runs this file in the reader's browser, and the tests run it like any other module. The
page shows each text of an answer as text, so a name in a price list cannot add markup to the page.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC

import attrs

from channelplans.errors import ChannelPlansError
from channelplans.explore import (
    CallLog,
    Combination,
    Need,
    Option,
    PlanComparison,
    compare_plans,
    measure_traffic,
    replay,
)
from channelplans.sizing import Suggestion, suggest_channels
from try_it_form import FormError, read_log, read_number, read_products
from try_it_picture import describe_picture, draw_picture, format_part

__all__ = ["Answer", "Sheet", "answer", "answer_as_json"]

# A page that lists more refused rows is hard to read.
SHOWN_ROWS = 10


@attrs.frozen
class Sheet:
    """A table of the answer: its title, its headings and its rows."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@attrs.frozen
class Answer:
    """What the page shows: the plan, its price, the reasons, tables, and the picture as SVG."""

    plan: str
    price: str
    reasons: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    picture: str
    picture_text: str


def answer_as_json(form: str) -> str:
    """Return the answer to a form as JSON text; an error is an object with its message."""
    try:
        return json.dumps(attrs.asdict(answer(json.loads(form))))
    except (ChannelPlansError, FormError) as error:
        return json.dumps({"error": str(error)})


def answer(form: Mapping[str, str]) -> Answer:
    """Return the cheapest plan for the fields of the form.

    Each field is text, and empty if the reader left it out: ``employees``, ``calls`` (a call log as
    CSV), ``minutes`` in 30 days, the ``destination`` of these minutes, and ``prices`` (a price list
    as CSV). Employees or calls are needed. If both are there, the calls decide.

    Raises:
        FormError: a field cannot be read.
        ChannelPlansError: the library refuses a value, or no product can serve the need.
    """
    employees, minutes = (read_number(form, field) for field in ("employees", "minutes"))
    destination = form["destination"].strip()
    log = read_log(form["calls"]) if form["calls"].strip() else None
    if employees is None and log is None:
        raise FormError("Enter the number of employees, or paste a call log.")
    erlangs = _measure_erlangs(log) if log else None
    need = Need(
        employees=None if log else employees,
        traffic=erlangs,
        minutes={destination: minutes} if minutes and destination else {},
    )
    comparison = compare_plans(need, read_products(form["prices"], destination))
    option, best = _find_best(comparison)
    suggestion = suggest_channels(employees, erlangs=erlangs, offer=best.product.offer)
    return Answer(
        plan=f"{best.profiles} of {best.product.offer.full_name}",
        price=_format_price(best),
        reasons=(*_explain_need(best, suggestion, log), *map(_as_sentence, option.reasons)),
        sheets=tuple(_make_sheets(comparison, log)),
        picture=draw_picture(best, suggestion.erlangs),
        picture_text=describe_picture(best, suggestion.erlangs),
    )


def _measure_erlangs(log: CallLog) -> float:
    """Return the load of the busy hour. Only weekdays with calls count, so no empty weekends."""
    weekdays = {call.start.weekday() for call in log.calls}
    return measure_traffic(log.calls, zone=UTC, weekdays=sorted(weekdays)).erlangs


def _find_best(comparison: PlanComparison) -> tuple[Option, Combination]:
    """Return the cheapest option and its combination, which an option without a problem has."""
    option = comparison.cheapest
    if option.best is None:
        raise FormError(f"No product is possible: {option.problem}")
    return option, option.best


def _format_price(best: Combination) -> str:
    setup = f", and {best.setup} once" if best.setup else ""
    return f"{best.per_30_days} for 30 days, {best.per_year} for a year{setup}"


def _explain_need(best: Combination, suggestion: Suggestion, log: CallLog | None) -> Iterator[str]:
    """Yield sentences that say why so many channels are needed."""
    yield f"Needed: {best.need}."
    yield (
        f"The busy hour has {suggestion.erlangs:.3g} erlangs, the average number of simultaneous"
        f" calls. {describe_picture(best, suggestion.erlangs)}"
    )
    if log is None:
        return
    replayed = replay(log.calls, channels=best.channels)
    yield (
        f"{best.channels:,} channels would have refused {len(replayed.refused):,} of the"
        f" {replayed.offered:,} calls of the log ({format_part(replayed.blocking)})."
    )
    if suggestion.advised is not None:
        yield (
            f"Without the log, the rule for {suggestion.employees:,} employees advises"
            f" {suggestion.advised:,} channels."
        )


def _as_sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."


def _make_sheets(comparison: PlanComparison, log: CallLog | None) -> Iterator[Sheet]:
    """Yield the table of the products, and one of the refused rows of the log if there are any."""
    rows = tuple(_make_row(option) for option in comparison.options)
    yield Sheet("Your products, the cheapest first", ("product", "plan", "30 days", "year"), rows)
    if log is not None and log.refused:
        shown = log.refused[:SHOWN_ROWS]
        title = f"Rows of the call log that are not calls: {len(log.refused):,}"
        refused_rows = tuple((f"{refused.row:,}", refused.reason) for refused in shown)
        yield Sheet(title, ("row", "reason"), refused_rows)


def _make_row(option: Option) -> tuple[str, str, str, str]:
    product, best = option.product, option.best
    name = f"{product.offer.full_name}, {product.tariff.name}"
    if best is None:
        return name, f"not possible: {option.problem}", "", ""
    return name, best.profiles, str(best.per_30_days), str(best.per_year)
