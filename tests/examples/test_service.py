"""The example service over HTTP: its pages, its refusals, and that nothing is booked twice.

The prices are those of 2026 and 2027: 6.95 and 7.25 EUR for a channel, 10 EUR for a bundle.
"""

import hmac
import json
import os
import re
import subprocess
import sys
from datetime import date
from html import unescape
from pathlib import Path

import pytest

from channelplans import EUR, SKYPE_CONNECT, Billing, Money, Status, Wallet

ACME = Wallet("acme")
ROOT = Path(__file__).resolve().parents[2]


def read_text(page):
    """Return the text of a page without its tags, with single spaces."""
    body = page.text.partition("<body>")[2]
    return " ".join(unescape(re.sub("<[^>]*>", " ", body)).split())


@pytest.fixture
def pay(service, visitor):
    """Return a function that sends a payment as the payment provider does."""

    def send(identifier="payment-1", amount="500.00", *, key=service.PAYMENT_KEY):
        payment = {"id": identifier, "account": "acme", "amount": amount, "currency": "EUR"}
        body = json.dumps(payment).encode()
        signature = hmac.new(key.encode(), body, "sha256").hexdigest()
        headers = {"Content-Type": "application/json", "Signature": signature}
        return visitor.client.post("/payments", content=body, headers=headers)

    return send


@pytest.fixture
def buy(visitor, pay):
    """Return a function that pays 500.00 EUR in and buys channels for profile berlin."""

    def send(channels=12):
        pay()
        order = {"profile": "berlin", "channels": channels, "bundles": 0}
        return visitor.confirm(visitor.ask("buy", **order))

    return send


@pytest.mark.parametrize(
    ("day", "price"), [(date(2026, 12, 31), "69.50"), (date(2027, 1, 1), "72.50")]
)
def test_catalogue_page_shows_the_prices_of_the_day(visitor, day, price):
    """Ten channels cost 69.50 EUR at the prices of 2026 and 72.50 EUR at those of 2027."""
    visitor.day = day
    page = visitor.get("/")

    assert 200 == page.status_code
    assert f"{price} EUR" in read_text(page)


def test_catalogue_page_shows_the_number_requested_and_the_number_sold(visitor):
    """The price of 105 channels is that of 100, and the page says why (H5)."""
    text = read_text(visitor.get("/?channels=105&bundles=2"))

    assert "105 requested: above 100, multiples of 10, rounded down" in text
    assert "715.00 EUR" in text  # 100 x 6.95 and 2 x 10


def test_catalogue_page_refuses_a_number_that_the_offer_does_not_have(visitor):
    """The page says how many channels are possible (H2)."""
    page = visitor.get("/?channels=301")

    assert 422 == page.status_code
    assert "at least 1 and at most 300; 301 needs two profiles" in read_text(page)


def test_account_form_leads_to_the_account(visitor):
    """The form of the catalogue page opens the account, also if its name needs escapes."""
    page = visitor.get("/accounts?account=<b> %26 co")

    assert "/accounts/%3Cb%3E%20%26%20co" == page.url.raw_path.decode()
    assert 200 == page.status_code
    assert "<b>" not in page.text


def test_purchase_is_committed_only_by_its_confirmation(visitor, pay, store):
    """The preview shows the price and the warning (H21), and sells nothing (H14)."""
    pay()
    preview = visitor.ask("buy", profile="berlin", channels=12, bundles=2)
    sold_by_preview = store.subscription("acme", "berlin")
    page = visitor.confirm(preview)

    assert 200 == preview.status_code
    assert "pays 103.40 EUR (subscription)" in read_text(preview)  # 12 x 6.95 and 2 x 10
    assert "it cannot call emergency numbers" in read_text(preview)
    assert sold_by_preview is None
    assert (200, "/accounts/acme") == (page.status_code, page.url.path)
    assert "12 channels and 2 bundles" in read_text(page)
    assert Money.of("396.60", EUR) == store.balance(ACME)


def test_change_is_committed_only_by_its_confirmation(visitor, buy, store):
    """A change refunds the unused days and charges a new term (H16, H17)."""
    buy(channels=12)  # 83.40 EUR for 30 days, of which 10 are used on 15 January
    visitor.day = date(2026, 1, 15)
    preview = visitor.ask("change", profile="berlin", channels=20, bundles=0)
    balance_after_preview = store.balance(ACME)
    visitor.confirm(preview)

    assert "receives 55.60 EUR (refund) and pays 139.00 EUR (subscription)" in read_text(preview)
    assert Money.of("416.60", EUR) == balance_after_preview
    assert Money.of("333.20", EUR) == store.balance(ACME)
    assert 20 == store.subscription("acme", "berlin").value.plan.channels


def test_cancellation_shows_the_expiry_date_before_the_confirmation(visitor, buy, store):
    """The warning with the expiry date is the first thing on the confirm page (H20)."""
    buy()
    preview = visitor.ask("cancel", profile="berlin")
    status_after_preview = store.subscription("acme", "berlin").value.status
    page = visitor.confirm(preview)

    warning = "This cancels the subscription of profile 'berlin'. It is not available from"
    assert f"Please confirm {warning} 2026-02-04 on." in read_text(preview)
    assert Status.ACTIVE is status_after_preview
    assert Status.CANCELLED is store.subscription("acme", "berlin").value.status
    assert "cancelled" in read_text(page)


def test_preview_settles_what_is_due_first(visitor, buy, store):
    """On the day of a renewal, a change is previewed for the renewed subscription."""
    buy(channels=12)
    visitor.day = date(2026, 2, 4)
    preview = visitor.ask("change", profile="berlin", channels=20, bundles=0)

    assert 200 == preview.status_code
    assert "Runs until 2026-03-06" in read_text(preview)
    assert date(2026, 2, 4) == store.subscription("acme", "berlin").value.term.start


def test_confirm_form_that_is_sent_twice_commits_once(visitor, pay, store):
    """A double click buys once, and a retry after midnight shows the account too."""
    pay()
    preview = visitor.ask("buy", profile="berlin", channels=12, bundles=0)
    pages = [visitor.confirm(preview), visitor.confirm(preview)]
    visitor.day = date(2026, 1, 6)
    pages.append(visitor.confirm(preview))

    assert [200, 200, 200] == [page.status_code for page in pages]
    assert Money.of("416.60", EUR) == store.balance(ACME)
    assert 2 == len(store.decisions("acme").items)  # the payment and the purchase


def test_order_form_that_is_sent_twice_commits_once(visitor, pay, store):
    """Two confirm pages of one form are one purchase, because both have the form's key."""
    pay()
    order = {"profile": "berlin", "channels": 12, "bundles": 0, "request": "form-1"}
    previews = [visitor.ask("buy", **order), visitor.ask("buy", **order)]
    pages = [visitor.confirm(preview) for preview in previews]

    assert [200, 200] == [page.status_code for page in pages]
    assert 2 == len(store.decisions("acme").items)


def test_confirmation_of_a_stale_preview_is_refused(visitor, buy, billing, store):
    """If the subscription changed after the preview, the page says so, with status 409."""
    buy()
    preview = visitor.ask("change", profile="berlin", channels=20, bundles=0)
    billing.cancel("acme", "berlin", on=visitor.day)
    page = visitor.confirm(preview)

    assert 409 == page.status_code
    assert "it was not committed: load the latest values" in read_text(page)
    assert 12 == store.subscription("acme", "berlin").value.plan.channels


def test_confirmation_without_enough_credit_is_refused(visitor, pay, store):
    """The page says how much is missing, with status 402."""
    pay(amount="50.00")
    preview = visitor.ask("buy", profile="berlin", channels=12, bundles=0)
    page = visitor.confirm(preview)

    assert 402 == page.status_code
    assert "83.40 EUR is needed; 33.40 EUR is missing" in read_text(page)
    assert store.subscription("acme", "berlin") is None


def test_form_key_that_was_used_for_another_order_is_refused(visitor, pay, store):
    """A visitor who goes back and orders more with the same form is told to use a new form."""
    pay()
    order = {"profile": "berlin", "bundles": 0, "request": "form-1"}
    visitor.confirm(visitor.ask("buy", channels=12, **order))
    page = visitor.client.post("/accounts/acme/buy", data=order | {"channels": 13})

    assert 409 == page.status_code
    assert "belongs to another decision, so nothing was committed" in read_text(page)
    assert 12 == store.subscription("acme", "berlin").value.plan.channels


def test_confirm_form_with_another_price_is_refused(visitor, pay, store):
    """A visitor who changes the price in the form gets status 403, and nothing is sold."""
    pay()
    preview = visitor.ask("buy", profile="berlin", channels=12, bundles=0)
    form = visitor.find_form(preview, "/accounts/acme/confirm")
    cheaper = form["preview"].replace("83.40", "0.40").replace("8340", "40")
    page = visitor.confirm(preview, preview=cheaper)

    assert cheaper != form["preview"]
    assert 403 == page.status_code
    assert "The signature does not match, and nothing was done" in read_text(page)
    assert store.subscription("acme", "berlin") is None


@pytest.mark.parametrize("signature", ["", "0" * 64, "é"])
def test_confirm_form_without_its_signature_is_refused(visitor, pay, store, signature):
    """A confirm form with a wrong signature is refused, and nothing is sold."""
    pay()
    preview = visitor.ask("buy", profile="berlin", channels=12, bundles=0)
    page = visitor.confirm(preview, signature=signature)

    assert page.status_code in {403, 422}
    assert store.subscription("acme", "berlin") is None


def test_confirm_form_of_another_account_is_refused(visitor, buy, store):
    """A confirm form that was written for one account commits nothing at another one's path."""
    buy()
    preview = visitor.ask("cancel", profile="berlin")
    form = visitor.find_form(preview, "/accounts/acme/confirm")
    page = visitor.client.post("/accounts/globex/confirm", data=form)

    assert 403 == page.status_code
    assert "another account than 'globex'" in read_text(page)
    assert Status.ACTIVE is store.subscription("acme", "berlin").value.status


def test_confirm_form_of_an_earlier_day_is_refused(visitor, pay, store):
    """A price is sold on its own day only, also if the profile has not changed since."""
    pay()
    visitor.day = date(2026, 12, 31)
    preview = visitor.ask("buy", profile="berlin", channels=12, bundles=0)
    visitor.day = date(2027, 1, 1)
    page = visitor.confirm(preview)

    assert 409 == page.status_code
    assert "This form is of 2026-12-31. Open the account again." in read_text(page)
    assert store.subscription("acme", "berlin") is None


def test_order_without_a_number_is_refused(visitor):
    """The page names the field that is empty, with status 422."""
    page = visitor.ask("buy", profile="berlin", channels="", bundles=0)

    assert 422 == page.status_code
    assert "Fill in these fields again: channels." in read_text(page)


def test_page_that_does_not_exist_is_refused(visitor):
    """An unknown path has a page too, with status 404."""
    page = visitor.get("/nothing")

    assert 404 == page.status_code
    assert "This was not possible Not Found" in read_text(page)


def test_payment_is_booked_once(visitor, pay, store):
    """A payment that is sent again, on the same day or after midnight, is booked once."""
    answers = [pay(), pay()]
    visitor.day = date(2026, 1, 6)
    answers.append(pay())

    assert [200, 200, 200] == [answer.status_code for answer in answers]
    assert {"2026-01-05"} == {answer.text[:10] for answer in answers}
    assert Money.of("500.00", EUR) == store.balance(ACME)


def test_payment_with_a_known_identifier_and_another_amount_is_refused(pay, store):
    """An identifier stands for one payment: another amount has status 409 and is not booked."""
    pay()
    answer = pay(amount="5000.00")

    assert 409 == answer.status_code
    assert Money.of("500.00", EUR) == store.balance(ACME)


def test_payment_without_the_providers_signature_is_refused(pay, store):
    """Nobody but the payment provider can pay credit in."""
    answer = pay(key="another key")

    assert 403 == answer.status_code
    assert store.balance(ACME) is None


def test_invoice_page_shows_the_lines_and_the_balances(visitor, buy):
    """The invoice of January has the channels, the payment and the closing balance."""
    buy(channels=12)
    link = "/accounts/acme/invoice?since=2026-01-01&until=2026-02-01"
    account_page = visitor.get("/accounts/acme")
    text = read_text(visitor.get(link))

    assert f'href="{link.replace("&", "&amp;")}"' in account_page.text
    assert "channels 12 6.95 2026-01-05 to 2026-02-04 83.40" in text
    assert "deposits 500.00" in text
    assert "closing balance 416.60" in text


def test_nightly_run_renews_due_subscriptions(service, buy, billing, store, capsys):
    """The run renews on the due day, prints the outcome, and has nothing to do the second time."""
    buy(channels=12)
    failures = service.run_nightly(billing, date(2026, 2, 4))
    printed = capsys.readouterr().out

    assert 0 == failures
    assert "profile 'berlin' of account 'acme', 2026-01-05 to 2026-02-04: renew\n" == printed
    assert Money.of("333.20", EUR) == store.balance(ACME)
    assert 0 == service.run_nightly(billing, date(2026, 2, 4))
    assert "" == capsys.readouterr().out


def test_nightly_run_counts_failures(service, buy, billing, store):
    """Each subscription whose price cannot be looked up is a failure and stays due."""
    buy()
    billing.buy(
        SKYPE_CONNECT.plan(channels=1),
        account="acme",
        profile="paris",
        subscription="s-2",
        on=date(2026, 1, 5),
    )

    def find_no_price(*_):
        raise LookupError("no price")

    without_prices = Billing(store, prices=find_no_price)

    assert 2 == service.run_nightly(without_prices, date(2026, 2, 4))
    assert 2 == len(store.due(date(2026, 2, 4)).items)


@pytest.mark.usefixtures("service")
def test_nightly_run_starts_as_a_command(tmp_path):
    """The command reads its day, and creates the store's file if there is none."""
    command = [sys.executable, "-m", "examples.service", "nightly-run", "2026-02-04"]
    file = tmp_path / "service.db"
    subprocess.run(command, cwd=ROOT, env={**os.environ, "DATABASE": str(file)}, check=True)

    assert file.is_file()


def test_confirm_page_in_a_browser_warns_first(browser, address, buy, store):
    """In Chromium, cancelling shows the expiry date, and only the second click cancels (H20)."""
    from selenium.webdriver.support import expected_conditions as pages
    from selenium.webdriver.support.wait import WebDriverWait

    # A click can return before the browser begins to load the next page.
    wait = WebDriverWait(browser, 60)
    buy()
    browser.get(f"{address}/accounts/acme")
    browser.find_element("css selector", "form[action$='/cancel'] button").click()
    wait.until(pages.url_to_be(f"{address}/accounts/acme/cancel"))
    wait.until(pages.presence_of_element_located(("id", "confirm")))
    warning = browser.find_element("css selector", "[role=alert]")
    button = browser.find_element("id", "confirm")
    status_after_warning = store.subscription("acme", "berlin").value.status

    assert "It is not available from 2026-02-04 on." in warning.text
    assert warning.location["y"] < button.location["y"]
    assert Status.ACTIVE is status_after_warning

    button.click()

    wait.until(pages.url_to_be(f"{address}/accounts/acme"))
    wait.until(pages.text_to_be_present_in_element(("tag name", "body"), "cancelled"))
    assert Status.CANCELLED is store.subscription("acme", "berlin").value.status
