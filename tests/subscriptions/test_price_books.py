"""Price books that are made of a tariff, a function, a catalogue or an application's class."""

from datetime import date, timedelta

import attrs
import pytest
from tests.subscriptions.editions import DEARER_TARIFF, FEB, JAN, LIST_TARIFF, MAR, subscribe

from channelplans.calls import Call
from channelplans.errors import NotOffered, UnknownEdition, WrongType
from channelplans.offers import SKYPE_CONNECT
from channelplans.subscriptions.catalogue import Catalogue, Edition
from channelplans.subscriptions.price_books import make_price_book

CALL = Call("c-1", "+1 212 555 0100", "US", JAN, timedelta(minutes=3))
PLAN = SKYPE_CONNECT.plan(channels=10)
OTHER_OFFER = attrs.evolve(SKYPE_CONNECT, edition="other")
CATALOGUE = Catalogue(
    (
        Edition(SKYPE_CONNECT, LIST_TARIFF, date(2025, 1, 1), FEB),
        Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB, date(2026, 6, 1), migration=MAR),
    )
)


def sell(prices, on, plan=PLAN):
    """Return the tariff of a purchase for a profile that held nothing."""
    book = make_price_book(prices)
    return book.for_sale(plan, account="acme", profile="berlin", on=on, previous=None)


class AlwaysList:
    """A price book of an application."""

    def for_sale(self, plan, *, account, profile, on, previous):
        """Return the list price."""
        return LIST_TARIFF

    def for_change(self, subscription, plan, *, on):
        """Return the list price."""
        return LIST_TARIFF

    def for_call(self, subscription, call, quote):
        """Return the list price."""
        return LIST_TARIFF

    def for_renewal(self, subscription):
        """Return the held plan and the list price."""
        return subscription.plan, LIST_TARIFF


def test_tariff_applies_to_everything():
    """Sale, change and renewal use this tariff."""
    book, subscription = make_price_book(DEARER_TARIFF), subscribe()

    assert DEARER_TARIFF == sell(DEARER_TARIFF, JAN)
    assert DEARER_TARIFF == book.for_change(subscription, PLAN, on=FEB)
    assert (subscription.plan, DEARER_TARIFF) == book.for_renewal(subscription)


@pytest.mark.parametrize("prices", [DEARER_TARIFF, lambda *_: DEARER_TARIFF, CATALOGUE])
def test_call_uses_the_tariff_that_was_paid_for_its_term(prices):
    """The term was paid at the list price, so the tariff of a later day does not apply."""
    subscription = subscribe(LIST_TARIFF)

    assert LIST_TARIFF == make_price_book(prices).for_call(subscription, CALL, subscription.quote)


def test_catalogue_charges_calls_of_a_subscription_without_an_edition():
    """A private tariff in no edition still prices the calls of its term."""
    private_tariff = attrs.evolve(LIST_TARIFF, name="private")
    subscription = subscribe(private_tariff)
    book = make_price_book(CATALOGUE)

    assert private_tariff == book.for_call(subscription, CALL, subscription.quote)


def test_function_gets_the_account_the_offer_and_the_day():
    """A sale and a change pass their day, a renewal the first day of the next term."""
    requests = []

    def find_tariff(account, offer, day):
        requests.append((account, offer, day))
        return LIST_TARIFF

    subscription, book = subscribe(), make_price_book(find_tariff)
    book.for_sale(PLAN, account="other", profile="berlin", on=JAN, previous=None)
    book.for_change(subscription, OTHER_OFFER.plan(channels=5), on=FEB)
    book.for_renewal(subscription)

    owner, renewed_on = subscription.account, subscription.term.end
    expected = [
        ("other", SKYPE_CONNECT, JAN),
        (owner, OTHER_OFFER, FEB),
        (owner, subscription.plan.offer, renewed_on),
    ]
    assert expected == requests


def test_function_that_returns_no_tariff_is_reported():
    """A function that forgets to return gives a WrongType."""
    with pytest.raises(WrongType, match=r"^prices\(\) must be a Tariff, not None"):
        sell(lambda *_: None, JAN)


def test_catalogue_sells_the_edition_of_the_day():
    """The dearer edition is sold from 1 February until 31 May."""
    assert LIST_TARIFF == sell(CATALOGUE, JAN)
    assert DEARER_TARIFF == sell(CATALOGUE, FEB)
    with pytest.raises(UnknownEdition):
        sell(CATALOGUE, date(2026, 6, 1))
    with pytest.raises(NotOffered, match="no sale on 2026-02-01; sold on that day"):
        sell(CATALOGUE, FEB, OTHER_OFFER.plan(channels=10))


@pytest.mark.parametrize(
    "prices", [None, "6.95", LIST_TARIFF.channel, AlwaysList, Catalogue], ids=repr
)
def test_other_values_are_refused(prices):
    """Text, an amount and a class are no prices; the error lists what is accepted."""
    with pytest.raises(WrongType) as refusal:
        make_price_book(prices)

    assert "prices" == refusal.value.parameter
    function = "a function of an account, an offer and a day"
    expected = f"a Tariff, a Catalogue, a price book, or {function}"
    assert expected == refusal.value.expected


def test_price_book_without_all_methods_is_refused():
    """The error names the missing methods."""

    class OnlySales:
        for_sale = AlwaysList.for_sale
        for_call = AlwaysList.for_call

    with pytest.raises(WrongType, match=r"must be a price book with for_change\(\) and for_renew"):
        make_price_book(OnlySales())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "answer", [None, LIST_TARIFF, (LIST_TARIFF, PLAN), (PLAN, LIST_TARIFF, JAN), (PLAN, None)]
)
def test_wrong_answer_for_a_renewal_names_the_method(answer):
    """A renewal needs a plan and a tariff, in this order."""
    prices = AlwaysList()
    prices.for_renewal = lambda _: answer  # type: ignore[method-assign]
    with pytest.raises(WrongType, match=r"^prices\.for_renewal\(\) must be a Plan and a Tariff"):
        make_price_book(prices).for_renewal(subscribe())


def test_price_book_of_an_application_answers():
    """Its answers are returned as they are."""
    book, subscription = make_price_book(AlwaysList()), subscribe()

    assert LIST_TARIFF == sell(AlwaysList(), JAN)
    assert LIST_TARIFF == book.for_change(subscription, PLAN, on=FEB)
    assert LIST_TARIFF == book.for_call(subscription, CALL, subscription.quote)
    assert (subscription.plan, LIST_TARIFF) == book.for_renewal(subscription)
