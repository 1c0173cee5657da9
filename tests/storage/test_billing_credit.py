"""The invoices of an account, and the credit that expires."""

import asyncio
from datetime import date, timedelta

import pytest
from tests.storage.services import AsyncStoreOver

from channelplans.calendar import Days
from channelplans.calls import Call
from channelplans.errors import Conflict, InvalidValue, UnknownWallet
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage.billing import AsyncBilling, Billing
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.credit_lots import LotRule
from channelplans.subscriptions.transfers import charge
from channelplans.subscriptions.wallets import Reason, Wallet
from channelplans.tariffs import Tariff

START, END = date(2026, 1, 5), date(2026, 2, 4)
ACME, BERLIN = Wallet("acme"), Wallet("acme", "berlin")
TARIFF = Tariff("made up", EUR, channel="10", bundle="5", minute="0.02")
BONUS_RULE = LotRule(Reason.BONUS, Days(30))
#: The first day on which a bonus of 5 January is expired.
EXPIRED_ON = START + timedelta(days=30)


def eur(amount):
    return Money.of(amount, EUR)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def billing(store):
    return Billing(store, prices=TARIFF, lot_rules=[BONUS_RULE])


def pay_in(billing, amount, on=START, wallet=ACME, reason=Reason.DEPOSIT):
    name = f"{amount} on {on}, {reason.value}"
    return billing.deposit(wallet, eur(amount), transfer=name, on=on, reason=reason)


def buy(billing, on=START):
    return billing.buy(
        SKYPE_CONNECT.plan(channels=1),
        account="acme",
        profile="berlin",
        subscription=f"s {on}",
        on=on,
    )


class SmallPages:
    """A store whose pages have at most two items."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        method = getattr(self.store, name)
        if name in {"postings", "decisions", "profiles", "due"}:
            return lambda *arguments, **keywords: method(*arguments, **keywords, limit=2)
        return method


class TestInvoice:
    """``invoice``."""

    def test_invoice_sums_all_wallets_of_the_account(self, store):
        """10.00 for the channel and 0.20 for a call; 31.00 were paid in."""
        billing = Billing(SmallPages(store), prices=TARIFF)
        pay_in(billing, "30")
        pay_in(billing, "1", wallet=BERLIN)
        buy(billing)
        call = Call("c-1", "+12125550100", "US", START, timedelta(minutes=10))
        billing.record_call("acme", "berlin", call, on=START)
        january = billing.invoice("acme", since=date(2026, 1, 1), until=date(2026, 2, 1))
        assert (january.total, january.closing) == (eur("10.20"), eur("20.80"))
        billing.run_due(on=END)
        february = billing.invoice("acme", since=date(2026, 2, 1), until=date(2026, 3, 1))
        assert (february.opening, february.total) == (eur("20.80"), eur("10"))

    def test_invoice_opens_with_the_wallet_of_a_profile_that_never_bought(self, billing):
        """Credit that was given to a profile counts, although it has no subscription."""
        pay_in(billing, "7", wallet=Wallet("acme", "rome"))
        invoice = billing.invoice("acme", since=END, until=END + timedelta(days=1))
        assert (invoice.opening, invoice.closing) == (eur("7"), eur("7"))

    def test_invoice_of_an_unknown_account_is_empty_in_the_currency_that_is_passed(self, billing):
        """Without a currency the account is refused."""
        period = {"since": START, "until": END}
        assert billing.invoice("acme", **period, currency=EUR).total == eur("0")
        with pytest.raises(UnknownWallet):
            billing.invoice("acme", **period)
        with pytest.raises(InvalidValue):
            billing.invoice("acme", since=END, until=START, currency=EUR)


class TestExpireCredit:
    """``expire_credit`` takes expired credit out, and never credit that was used meanwhile."""

    def test_expired_bonus_is_taken_once(self, billing):
        """A second call finds nothing to do."""
        pay_in(billing, "50")
        pay_in(billing, "5", reason=Reason.BONUS)
        assert billing.expire_credit(ACME, on=EXPIRED_ON - timedelta(days=1)) == ()
        (expiry,) = billing.expire_credit(ACME, on=EXPIRED_ON)
        assert [str(posting.amount) for posting in expiry.postings] == ["-5.00 EUR"]
        assert billing.expire_credit(ACME, on=EXPIRED_ON) == ()
        assert billing.balance(ACME) == eur("50")

    def test_expiry_takes_only_the_credit_of_its_own_wallet(self, billing):
        """Each wallet has a bonus of 5 January; the one of the account is left alone."""
        for wallet, amount in ((ACME, "5"), (BERLIN, "3")):
            pay_in(billing, amount, wallet=wallet, reason=Reason.BONUS)
        (expiry,) = billing.expire_credit(BERLIN, on=EXPIRED_ON)
        assert [str(posting.amount) for posting in expiry.postings] == ["-3.00 EUR"]
        assert (billing.balance(ACME), billing.balance(BERLIN)) == (eur("5"), eur("0"))

    def test_asynchronous_service_expires_credit_and_makes_invoices(self, store):
        """Both answers are those of ``Billing`` over an equal store."""
        pay_in(Billing(store, prices=TARIFF), "5", reason=Reason.BONUS)
        billing = AsyncBilling(AsyncStoreOver(store), prices=TARIFF, lot_rules=[BONUS_RULE])
        (expiry,) = asyncio.run(billing.expire_credit(ACME, on=EXPIRED_ON))
        assert store.decision("acme", expiry.token) == expiry
        invoice = asyncio.run(billing.invoice("acme", since=START, until=EXPIRED_ON))
        synchronous = Billing(store, prices=TARIFF)
        assert invoice == synchronous.invoice("acme", since=START, until=EXPIRED_ON)
        assert invoice.closing == eur("5")

    def test_what_is_due_is_settled_first(self, billing):
        """The renewal of 4 February uses the bonus that expires on that day."""
        pay_in(billing, "10", reason=Reason.BONUS, on=START)
        pay_in(billing, "10")
        buy(billing)
        assert billing.expire_credit(ACME, on=END + timedelta(days=1)) == ()
        assert billing.balance(ACME) == eur("0")

    def test_credit_that_is_used_while_the_expiry_is_computed_does_not_expire(self, store):
        """The purchase uses the bonus between reading and commit, and 50.00 are left."""
        meanwhile = charge(ACME, eur("5"), transfer="fee", on=EXPIRED_ON)
        billing = Billing(BusyStore(store, meanwhile), prices=TARIFF, lot_rules=[BONUS_RULE])
        pay_in(billing, "50")
        pay_in(billing, "5", reason=Reason.BONUS)
        store.commit(charge(ACME, eur("1"), transfer="early", on=START), expected=None)
        expired = billing.expire_credit(ACME, on=EXPIRED_ON)
        # 1.00 of the bonus was used in time; the fee of 5.00 is drawn from the deposit first.
        assert [str(transfer.postings[0].amount) for transfer in expired] == ["-4.00 EUR"]
        assert billing.balance(ACME) == eur("45")

    def test_expiry_is_given_up_if_postings_come_in_at_every_attempt(self, store):
        """The error says so, instead of trying for ever."""
        billing = Billing(RestlessStore(store), prices=TARIFF, lot_rules=[BONUS_RULE])
        pay_in(billing, "50")
        pay_in(billing, "5", reason=Reason.BONUS)
        with pytest.raises(Conflict, match="postings"):
            billing.expire_credit(ACME, on=EXPIRED_ON)


class BusyStore:
    """A store in which another worker commits a transfer before the first expiry."""

    def __init__(self, store, meanwhile):
        self.store, self.meanwhile = store, meanwhile

    def __getattr__(self, name):
        return getattr(self.store, name)

    def commit(self, decision, /, *, expected):
        meanwhile = self.meanwhile
        if meanwhile is not None and getattr(decision, "seen", None) is not None:
            self.meanwhile = None
            self.store.commit(meanwhile, expected=None)
        return self.store.commit(decision, expected=expected)


class RestlessStore:
    """A store in which another worker commits a transfer before each expiry."""

    def __init__(self, store):
        self.store, self.count = store, 0

    def __getattr__(self, name):
        return getattr(self.store, name)

    def commit(self, decision, /, *, expected):
        if getattr(decision, "seen", None) is not None:
            self.count += 1
            name = f"fee {self.count}"
            self.store.commit(charge(ACME, eur("0.01"), transfer=name, on=START), expected=None)
        return self.store.commit(decision, expected=expected)
