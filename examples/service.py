"""A small web service that sells channels, over one SQLite file.

Run it from the repository's root with ``PAYMENT_KEY=made-up python -m examples.service``. A route
reads a form, asks ``Billing`` and returns a page. The rules and the prices are those of the library
and of ``CATALOGUE``. Only ``today`` reads the clock.

There is no log-in, so every visitor can open every account. Take the account from your session
instead of the path.
"""

import hmac
import json
import os
import secrets
import sys
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import uvicorn
from examples import service_pages as pages
from examples.stores.sqlite_store import SQLiteStore
from fastapi import Depends, FastAPI, Form, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from channelplans import (
    EUR,
    SKYPE_CONNECT,
    Billing,
    Catalogue,
    Edition,
    Money,
    Months,
    Preview,
    Store,
    Tariff,
    Wallet,
    civil_date,
    decode,
    encode,
    quote,
    term_at,
)
from channelplans.errors import ChannelPlansError, Conflict, InsufficientCredit, TokenReused
from channelplans.storage import decode_definition, definitions_of

#: The prices are made up. A subscription moves to a new price list at its renewal.
PRICES_2026 = Tariff("2026", EUR, channel="6.95", bundle="10", minute="0.021")
PRICES_2027 = Tariff("2027", EUR, channel="7.25", bundle="10", minute="0.021")
NEW_YEAR = date(2027, 1, 1)
CATALOGUE = Catalogue(
    (
        Edition(SKYPE_CONNECT, PRICES_2026, date(2026, 1, 1), NEW_YEAR),
        Edition(SKYPE_CONNECT, PRICES_2027, NEW_YEAR),
    )
)

#: A day is a civil day in this time zone.
ZONE = ZoneInfo("Europe/Berlin")

#: Signs the confirm page. With a random key, its forms are valid until the service restarts.
FORM_KEY = os.environ.get("FORM_KEY") or secrets.token_hex()

#: Shared with the payment provider. With a random key, every payment is refused.
PAYMENT_KEY = os.environ.get("PAYMENT_KEY") or secrets.token_hex()

#: The HTTP status of some errors of the library; all others have 422.
STATUS: dict[type[Exception], int] = {InsufficientCredit: 402, Conflict: 409, TokenReused: 409}


def today() -> date:
    """Return the day on which the service sells and books; nothing else reads the clock."""
    return civil_date(datetime.now(UTC), ZONE)


@cache
def open_store() -> Store:
    """Return the store of this process."""
    store = SQLiteStore(os.environ.get("DATABASE", "service.db"))
    store.create_tables()
    return store


def open_billing(store: Annotated[Store, Depends(open_store)]) -> Billing:
    """Return the billing service over the store."""
    return Billing(store, prices=CATALOGUE)


# A test replaces `today` and `open_store` through `app.dependency_overrides`.
CurrentDay = Annotated[date, Depends(today)]
CurrentStore = Annotated[Store, Depends(open_store)]
CurrentBilling = Annotated[Billing, Depends(open_billing)]
Text = Annotated[str, Form()]

app = FastAPI(title="Channels", default_response_class=HTMLResponse)


@app.get("/")
def show_catalogue(day: CurrentDay, channels: int = 10, bundles: int = 0) -> str:
    """Show what is sold today, and the price of a number of channels and bundles (H11)."""
    edition = CATALOGUE.on(day)
    plan = edition.offer.plan(channels=channels, bundles=bundles)
    return pages.write_catalogue(CATALOGUE, quote(plan, edition.tariff, on=day))


@app.get("/accounts")
def find_account(account: str) -> RedirectResponse:
    """Go to the page of an account."""
    return RedirectResponse(pages.account_path(account), 303)


@app.get("/accounts/{account}")
def show_account(
    account: str, store: CurrentStore, billing: CurrentBilling, day: CurrentDay
) -> str:
    """Show the statement of this month and the subscriptions of an account."""
    month = term_at(day.replace(day=1), Months(1), 0)
    statement = billing.statement(Wallet(account), since=month.start, currency=EUR)
    # The first page has up to 1,000 profiles; pass its cursor to get the next page.
    profiles = store.profiles(account).items
    stored = [store.subscription(account, profile) for profile in profiles]
    subscriptions = [found.value for found in stored if found is not None]
    return pages.write_account(account, statement, subscriptions, month)


@app.get("/accounts/{account}/invoice")
def show_invoice(account: str, since: date, until: date, billing: CurrentBilling) -> str:
    """Show the invoice for the days from ``since`` to the day before ``until``."""
    invoice = billing.invoice(account, since=since, until=until, currency=EUR)
    return pages.write_invoice(invoice)


class Order(BaseModel):
    """The fields of a purchase or a change; ``request`` is the key of the form."""

    profile: str
    channels: int
    bundles: int
    request: str


@app.post("/accounts/{account}/buy")
def preview_purchase(
    account: str, order: Annotated[Order, Form()], billing: CurrentBilling, day: CurrentDay
) -> str:
    """Show what a purchase would do; nothing is committed."""
    plan = CATALOGUE.on(day).offer.plan(channels=order.channels, bundles=order.bundles)
    billing.catch_up(account, on=day)
    preview = billing.preview.buy(
        plan,
        account=account,
        profile=order.profile,
        subscription=order.request,
        on=day,
        request=order.request,
    )
    return ask_to_confirm(preview)


@app.post("/accounts/{account}/change")
def preview_change(
    account: str, order: Annotated[Order, Form()], billing: CurrentBilling, day: CurrentDay
) -> str:
    """Show what a change would do; nothing is committed."""
    billing.catch_up(account, on=day)
    preview = billing.preview.change(
        account,
        order.profile,
        channels=order.channels,
        bundles=order.bundles,
        on=day,
        request=order.request,
    )
    return ask_to_confirm(preview)


@app.post("/accounts/{account}/cancel")
def preview_cancellation(
    account: str, profile: Text, request: Text, billing: CurrentBilling, day: CurrentDay
) -> str:
    """Show on which day the subscription would end (H20); nothing is committed."""
    billing.catch_up(account, on=day)
    return ask_to_confirm(billing.preview.cancel(account, profile, on=day, request=request))


def ask_to_confirm(preview: Preview) -> str:
    """Return the confirm page; its form holds the preview, signed so that nobody can change it."""
    definitions = {key: encode(value) for key, value in definitions_of(preview).items()}
    text = json.dumps({"preview": encode(preview), "definitions": definitions})
    signature = sign(text.encode(), FORM_KEY)
    return pages.write_confirmation(preview.decision, {"preview": text, "signature": signature})


@app.post("/accounts/{account}/confirm")
def confirm(
    account: str,
    preview: Text,
    signature: Text,
    store: CurrentStore,
    billing: CurrentBilling,
    day: CurrentDay,
) -> RedirectResponse:
    """Commit exactly what the confirm page showed; a form that is sent twice commits once."""
    check_signature(preview.encode(), signature, FORM_KEY)
    saved = json.loads(preview)
    definitions = {key: decode_definition(data) for key, data in saved["definitions"].items()}
    confirmed = decode(Preview, saved["preview"], definitions=definitions)
    decision = confirmed.decision
    if decision.account != account:
        raise HTTPException(403, f"This form belongs to another account than {account!r}.")
    # Prices and refunds are those of a day. Only a retry may be sent on a later day.
    if decision.on != day and store.decision(account, decision.token) is None:
        raise HTTPException(409, f"This form is of {decision.on}. Open the account again.")
    billing.commit(confirmed)
    return RedirectResponse(pages.account_path(account), 303)


class Payment(BaseModel):
    """What the payment provider sends; ``id`` is the same each time it sends the payment."""

    id: str
    account: str
    amount: str
    currency: Literal["EUR"]


async def check_payment(request: Request, signature: Annotated[str, Header()]) -> None:
    """Refuse a payment that the payment provider did not sign."""
    check_signature(await request.body(), signature, PAYMENT_KEY)


@app.post("/payments", dependencies=[Depends(check_payment)], response_class=PlainTextResponse)
def receive_payment(payment: Payment, billing: CurrentBilling, day: CurrentDay) -> str:
    """Book a payment as credit once, even if it is sent again on a later day."""
    amount = Money.of(payment.amount, EUR)
    transfer = billing.deposit(Wallet(payment.account), amount, transfer=payment.id, on=day)
    return str(transfer)


def sign(message: bytes, key: str) -> str:
    """Return the signature of a message."""
    return hmac.new(key.encode(), message, "sha256").hexdigest()


def check_signature(message: bytes, signature: str, key: str) -> None:
    """Refuse a message that was changed, or that was signed with another key."""
    if not hmac.compare_digest(sign(message, key).encode(), signature.encode()):
        raise HTTPException(403, "The signature does not match, and nothing was done. Start again.")


@app.exception_handler(ChannelPlansError)
@app.exception_handler(HTTPException)
@app.exception_handler(RequestValidationError)
def refuse(request: Request, error: Exception) -> HTMLResponse:
    """Show why something was refused."""
    reason, status = str(error), STATUS.get(type(error), 422)
    if isinstance(error, HTTPException):
        reason, status = error.detail, error.status_code
    elif isinstance(error, RequestValidationError):
        fields = {str(problem["loc"][-1]) for problem in error.errors()}
        reason = f"Fill in these fields again: {', '.join(sorted(fields))}."
    return HTMLResponse(pages.write_refusal(reason, request.path_params.get("account")), status)


def run_nightly(billing: Billing, day: date) -> int:
    """Renew or end everything that is due, and return the number of failures."""
    failures = 0
    for outcome in billing.iter_due(on=day):
        print(outcome)
        failures += outcome.failed
    return failures


def main(arguments: list[str]) -> None:
    """Start the service on this machine only, or do the nightly run of a day."""
    if arguments[:1] == ["nightly-run"]:
        day = date.fromisoformat(arguments[1]) if arguments[1:] else today()
        sys.exit(run_nightly(open_billing(open_store()), day) > 0)
    uvicorn.run(app, port=8000)


if __name__ == "__main__":
    main(sys.argv[1:])
