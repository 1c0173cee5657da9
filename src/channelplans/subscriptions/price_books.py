"""Which tariff applies to a sale, a change, a call and a renewal of one customer.

A billing service asks a price book. The application may write its own, so that each account has its
own prices. A tariff, a function and a catalogue become price books here.
"""

from collections.abc import Callable
from datetime import date
from typing import Final, Protocol, TypeAlias, cast

import attrs

from channelplans._checks import instance, shown
from channelplans.calls import Call
from channelplans.errors import NotOffered, WrongType
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote
from channelplans.subscriptions.catalogue import Catalogue
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.subscription import Subscription
from channelplans.tariffs import Tariff

__all__ = ["PriceBook", "Prices", "make_price_book"]


class PriceBook(Protocol):
    """The prices of every customer, as a billing service asks for them.

    Any class with these four methods is a price book; it needs no base class. A method may raise
    ``NotOffered`` or ``UnknownEdition`` if it sells nothing. Equal arguments must
    get equal answers, because a preview and a retry ask again.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Billing, MemoryStore, Tariff
    >>> normal = Tariff("list", EUR, channel="6.95")
    >>> reduced = Tariff("for charities", EUR, channel="5.95")
    >>> class CharityPrices:
    ...     def for_sale(self, plan, *, account, profile, on, previous):
    ...         return reduced if account.startswith("charity") else normal
    ...
    ...     def for_change(self, subscription, plan, *, on):
    ...         return subscription.quote.tariff
    ...
    ...     def for_call(self, subscription, call, quote):
    ...         return quote.tariff
    ...
    ...     def for_renewal(self, subscription):
    ...         plan = subscription.pending or subscription.plan
    ...         return plan, subscription.quote.tariff
    >>> billing = Billing(MemoryStore(), prices=CharityPrices())
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> purchase = billing.preview.buy(
    ...     plan, account="charity 7", profile="berlin", subscription="s-1", on=day
    ... )
    >>> print(purchase.decision.after.quote.total)
    29.75 EUR
    """

    def for_sale(
        self,
        plan: Plan,
        *,
        account: AccountId,
        profile: ProfileId,
        on: date,
        previous: Subscription | None,
    ) -> Tariff:
        """Return the tariff of a purchase.

        Args:
            plan: the plan that is bought.
            account: the account that pays.
            profile: the profile that gets the subscription.
            on: the day of purchase.
            previous: the subscription that the profile held last; None if it held none.

        Raises:
            NotOffered: the offer of the plan is not sold on that day, or not to this account.
            UnknownEdition: nothing is sold on that day.
        """
        ...

    def for_change(self, subscription: Subscription, plan: Plan, *, on: date) -> Tariff:
        """Return the tariff of a change that starts a new term on a day (H16, H17).

        A change within the term keeps the tariff that was paid, so this method is not asked.

        Args:
            subscription: the subscription before the change.
            plan: the plan that is bought for the new term.
            on: the day of the change, on which the new term starts.

        Raises:
            NotOffered: the offer of the plan is not sold on that day, or not to this account.
            UnknownEdition: nothing is sold on that day.
        """
        ...

    def for_call(self, subscription: Subscription, call: Call, quote: Quote) -> Tariff:
        """Return the tariff of a call; usually ``quote.tariff``.

        It may not depend on the minutes that are left: a forecast asks once for equal calls.

        Args:
            subscription: the subscription of the profile.
            call: the call.
            quote: the quote that was paid for the term on whose days the call began.
        """
        ...

    def for_renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]:
        """Return the plan of the next term, and its tariff on the term's first day (F 3.9).

        The first day is ``subscription.term.end``, even if the renewal is processed late. The plan
        is ``subscription.pending or subscription.plan``, or a plan of another offer.

        Args:
            subscription: the subscription before the renewal.

        Raises:
            NotOffered: the plan is not sold on that day.
            UnknownEdition: nothing is sold on that day.
        """
        ...


#: What a billing service accepts as prices. A function gets an account, an offer and a day.
Prices: TypeAlias = PriceBook | Tariff | Catalogue | Callable[[AccountId, Offer, date], Tariff]

_METHODS: Final = ("for_sale", "for_change", "for_call", "for_renewal")


def make_price_book(prices: Prices) -> PriceBook:
    """Return the price book of a tariff, a function, a catalogue or an application's own class.

    - A tariff: everyone pays the same.
    - A function of an account, an offer and a day: a purchase and a change that starts a new term
      use the tariff of their day, a renewal that of the new term's first day.
    - A catalogue: a purchase uses the edition that is sold on the day. A renewal, and a change that
      starts a new term, use the edition that ``Catalogue.for_term`` names.
    - A price book: its answers are checked. An answer of the wrong type raises a WrongType that
      names the method.

    The first three charge a call by the tariff that was paid for its term.

    Args:
        prices: one of the four.

    Raises:
        WrongType: the prices are none of these, or a price book lacks a method.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.subscriptions import make_price_book
    >>> normal = Tariff("list", EUR, channel="6.95")
    >>> agreed = Tariff("agreed with large", EUR, channel="5.95")
    >>> def find_tariff(account, offer, day):
    ...     return agreed if account == "large" else normal
    >>> book = make_price_book(find_tariff)
    >>> plan, day = SKYPE_CONNECT.plan(channels=30), date(2026, 1, 5)
    >>> print(book.for_sale(plan, account="acme", profile="a", on=day, previous=None))
    list: 6.95 EUR a channel
    >>> print(book.for_sale(plan, account="large", profile="a", on=day, previous=None))
    agreed with large: 5.95 EUR a channel
    """
    if isinstance(prices, Tariff):
        return _PricesByFunction(lambda *_: prices)
    if isinstance(prices, Catalogue):
        return _PricesByEdition(prices)
    if not isinstance(prices, type):
        missing = [name for name in _METHODS if not callable(getattr(prices, name, None))]
        if not missing:
            return _CheckedPrices(cast("PriceBook", prices))
        if len(missing) < len(_METHODS):
            methods = " and ".join(f"{name}()" for name in missing)
            raise WrongType("prices", shown(prices), f"a price book with {methods} too")
        if callable(prices):
            return _PricesByFunction(prices)
    expected = (
        "a Tariff, a Catalogue, a price book, or a function of an account, an offer and a day"
    )
    raise WrongType("prices", shown(prices), expected)


@attrs.frozen
class _PricesByFunction:
    """The prices of an account that has an offer on a day."""

    find: Callable[[AccountId, Offer, date], Tariff]

    def for_sale(
        self,
        plan: Plan,
        *,
        account: AccountId,
        profile: ProfileId,  # noqa: ARG002 - as in the protocol
        on: date,
        previous: Subscription | None,  # noqa: ARG002 - as in the protocol
    ) -> Tariff:
        return self._find(account, plan, on)

    def for_change(self, subscription: Subscription, plan: Plan, *, on: date) -> Tariff:
        return self._find(subscription.account, plan, on)

    def for_call(self, _subscription: Subscription, _call: Call, quote: Quote) -> Tariff:
        return quote.tariff

    def for_renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]:
        plan = subscription.pending or subscription.plan
        return plan, self._find(subscription.account, plan, subscription.term.end)

    def _find(self, account: AccountId, plan: Plan, on: date) -> Tariff:
        return instance("prices()", self.find(account, plan.offer, on), Tariff)


@attrs.frozen
class _PricesByEdition:
    """The prices of a catalogue: a subscription keeps its edition until a renewal moves it."""

    catalogue: Catalogue

    def for_sale(
        self,
        plan: Plan,
        *,
        account: AccountId,  # noqa: ARG002 - as in the protocol
        profile: ProfileId,  # noqa: ARG002 - as in the protocol
        on: date,
        previous: Subscription | None,  # noqa: ARG002 - as in the protocol
    ) -> Tariff:
        return self._sold_on(on, plan)

    def for_change(self, subscription: Subscription, plan: Plan, *, on: date) -> Tariff:
        edition = self.catalogue.for_term(subscription, on)
        return edition.tariff if edition.offer == plan.offer else self._sold_on(on, plan)

    def for_call(self, _subscription: Subscription, _call: Call, quote: Quote) -> Tariff:
        return quote.tariff

    def for_renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]:
        edition = self.catalogue.for_renewal(subscription)
        return edition.plan_for(subscription.pending or subscription.plan), edition.tariff

    def _sold_on(self, on: date, plan: Plan) -> Tariff:
        edition = self.catalogue.on(on)
        if edition.offer != plan.offer:
            works = f"sold on that day: {edition}"
            raise NotOffered(f"sale on {on}", plan.offer.full_name, works)
        return edition.tariff


@attrs.frozen
class _CheckedPrices:
    """An application's own price book, with a check of each answer."""

    book: PriceBook

    def for_sale(
        self,
        plan: Plan,
        *,
        account: AccountId,
        profile: ProfileId,
        on: date,
        previous: Subscription | None,
    ) -> Tariff:
        tariff = self.book.for_sale(
            plan, account=account, profile=profile, on=on, previous=previous
        )
        return instance("prices.for_sale()", tariff, Tariff)

    def for_change(self, subscription: Subscription, plan: Plan, *, on: date) -> Tariff:
        tariff = self.book.for_change(subscription, plan, on=on)
        return instance("prices.for_change()", tariff, Tariff)

    def for_call(self, subscription: Subscription, call: Call, quote: Quote) -> Tariff:
        tariff = self.book.for_call(subscription, call, quote)
        return instance("prices.for_call()", tariff, Tariff)

    def for_renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]:
        answer: object = self.book.for_renewal(subscription)
        match answer:
            case (Plan() as plan, Tariff() as tariff):
                return plan, tariff
            case _:
                raise WrongType("prices.for_renewal()", shown(answer), "a Plan and a Tariff")
