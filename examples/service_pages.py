"""The pages of ``service.py`` as HTML. Replace them with your own templates.

Every text that is not written here is escaped. The library's values write their own HTML, which is
escaped too.
"""

import secrets
from collections.abc import Mapping
from html import escape
from typing import Protocol
from urllib.parse import quote

from channelplans import (
    Action,
    Catalogue,
    Decision,
    Invoice,
    Quote,
    Statement,
    Status,
    Subscription,
    Term,
)
from channelplans.subscriptions.subscription import RUNNING

STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #ccc; }
th, td { text-align: left; white-space: nowrap; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: .75rem 0; }
label { display: grid; font-size: .875rem; }
input { font: inherit; padding: .375rem; width: 9rem; }
button { font: inherit; padding: .375rem .75rem; cursor: pointer; }
[role=alert] { border-left: .25rem solid #b45309; background: #fef3c7; padding: .5rem 1rem; }
"""

#: What the button of the confirm page says.
CONFIRM = {
    Action.BUY: "Buy",
    Action.CHANGE: "Change the subscription",
    Action.CANCEL: "Cancel the subscription",
}


class HasHtml(Protocol):
    """A value that writes itself as HTML, as every value of the library does."""

    def _repr_html_(self) -> str: ...


def show(value: HasHtml) -> str:
    """Return a value as HTML; the library escapes the names in it."""
    return value._repr_html_()  # pyright: ignore[reportPrivateUsage]


def account_path(account: str, page: str = "") -> str:
    """Return the path of an account's page."""
    return f"/accounts/{quote(account, safe='')}{page}"


def write_page(title: str, *parts: str) -> str:
    """Return a page with a title."""
    heading, content = escape(title), "\n".join(parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{heading}</title>
<style>{STYLE}</style>
</head>
<body>
<nav><a href="/">Channels and prices</a></nav>
<h1>{heading}</h1>
{content}
</body>
</html>"""


def write_catalogue(catalogue: Catalogue, price: Quote) -> str:
    """Return the page of what is sold on a day, with the price of a plan (H11)."""
    plan = price.plan
    numbers = write_numbers(plan.requested, plan.bundles)
    return write_page(
        "Channels and prices",
        f"<p>{escape(plan.offer.full_name)}, prices of {price.term.start}:</p>",
        show(price.tariff),
        "<h2>What does it cost?</h2>",
        f"<form>{numbers}<button>Show the price</button></form>",
        show(price),
        "<h2>Price lists</h2>",
        show(catalogue),
        "<h2>Your account</h2>",
        '<form action="/accounts">',
        '<label>Account <input name="account" value="acme" required></label>',
        "<button>Open</button></form>",
    )


def write_account(
    account: str, statement: Statement, subscriptions: list[Subscription], month: Term
) -> str:
    """Return the page of an account, with a form for each action."""
    invoice = f"/invoice?since={month.start}&until={month.end}"
    return write_page(
        f"Account {account}",
        f"<p>Balance: <strong>{statement.closing}</strong></p>",
        show(statement),
        f'<p><a href="{escape(account_path(account, invoice))}">Invoice of this month</a></p>',
        *map(write_subscription, subscriptions),
        "<h2>Buy channels</h2>",
        write_form(
            account_path(account, "/buy"),
            '<label>Profile <input name="profile" required></label>' + write_numbers(10, 0),
            "Preview the purchase",
        ),
    )


def write_subscription(subscription: Subscription) -> str:
    """Return a subscription, with the forms for a change and a cancellation if it runs."""
    text = f"<h2>Profile {escape(subscription.profile)}</h2>{show(subscription)}"
    if subscription.status not in RUNNING:
        return text
    plan, path = subscription.plan, account_path(subscription.account)
    profile = write_hidden({"profile": subscription.profile})
    numbers = profile + write_numbers(plan.requested, plan.bundles)
    text += write_form(f"{path}/change", numbers, "Preview the change")
    if subscription.status is Status.ACTIVE:
        text += write_form(f"{path}/cancel", profile, "Cancel this subscription…")
    return text


def write_confirmation(decision: Decision, signed_preview: Mapping[str, str]) -> str:
    """Return the page that shows the warnings first and needs a second confirmation (H20)."""
    warnings = [str(notice) for notice in decision.notices]
    sentences = [line for line in str(decision).splitlines() if line not in warnings]
    path = account_path(decision.account, "/confirm")
    return write_page(
        "Please confirm",
        *(f'<p role="alert">{escape(warning)}</p>' for warning in warnings),
        *(f"<p>{escape(sentence)}</p>" for sentence in sentences),
        f'<form method="post" action="{path}">{write_hidden(signed_preview)}',
        f'<button id="confirm">{CONFIRM[decision.action]}</button></form>',
        write_way_back(decision.account),
    )


def write_invoice(invoice: Invoice) -> str:
    """Return the page of an invoice."""
    return write_page("Invoice", show(invoice), write_way_back(invoice.account))


def write_refusal(reason: str, account: str | None) -> str:
    """Return the page that says why nothing was done."""
    way_back = "" if account is None else write_way_back(account)
    return write_page("This was not possible", f'<p role="alert">{escape(reason)}</p>', way_back)


def write_way_back(account: str) -> str:
    """Return a link to the page of an account."""
    return f'<p><a href="{account_path(account)}">Back to account {escape(account)}</a></p>'


def write_form(path: str, fields: str, label: str) -> str:
    """Return a form with a new request key, so that a form that is sent twice acts once."""
    key = write_hidden({"request": secrets.token_urlsafe(6)})
    return f'<form method="post" action="{path}">{key}{fields}<button>{label}</button></form>'


def write_hidden(values: Mapping[str, str]) -> str:
    """Return hidden fields."""
    return "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in values.items()
    )


def write_numbers(channels: int, bundles: int) -> str:
    """Return the fields for the numbers of channels and bundles."""
    return (
        f'<label>Channels <input type="number" name="channels" value="{channels}"></label>'
        f'<label>Bundles <input type="number" name="bundles" value="{bundles}"></label>'
    )
