"""What a billing service reads: statements, balances, subscriptions, and questions about calls."""

from datetime import date, timedelta

import pytest
from tests.storage.services import (
    ACME,
    BERLIN,
    DAY,
    FIRST_END,
    FIRST_TERM,
    PURCHASE_DAY,
    SECOND_TERM,
    TARIFF,
    euros,
    make_call,
    open_account,
    paid_terms,
)

from channelplans.errors import UnknownWallet
from channelplans.money import EUR, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage.billing import Billing
from channelplans.subscriptions.wallets import Wallet


class TestStatement:
    """A statement lists a wallet's postings between an opening and a closing balance."""

    @pytest.fixture(autouse=True)
    def history(self, store):
        """Deposit 100.00 and charge 34.75 on 5 January, deposit 10.00 on the 15th, and renew."""
        open_account(store, credit="100")
        billing = Billing(store, prices=TARIFF)
        billing.deposit(ACME, euros("10"), transfer="second", on=DAY)
        billing.run_due(on=FIRST_END)

    @pytest.mark.parametrize(
        ("since", "until", "opening", "amounts", "closing"),
        [
            (None, None, "0.00", ["100.00", "-34.75", "10.00", "-34.75"], "40.50"),
            (DAY, None, "65.25", ["10.00", "-34.75"], "40.50"),
            (None, FIRST_END, "0.00", ["100.00", "-34.75", "10.00"], "75.25"),
            (DAY, FIRST_END, "65.25", ["10.00"], "75.25"),
            (date(2026, 1, 16), FIRST_END, "75.25", [], "75.25"),
            (date(2027, 1, 1), None, "40.50", [], "40.50"),
            (None, PURCHASE_DAY, "0.00", [], "0.00"),
        ],
    )
    def test_statement_covers_the_days_from_since_to_before_until(
        self, billing, since, until, opening, amounts, closing
    ):
        """The opening balance comes from days before ``since``; ``until`` itself is excluded."""
        statement = billing.statement(ACME, since=since, until=until)

        assert (opening, closing) == (str(statement.opening.amount), str(statement.closing.amount))
        assert amounts == [str(posting.amount.amount) for posting in statement.postings]

    def test_statement_of_an_unused_wallet_needs_a_currency(self, billing):
        """A wallet without postings has no currency, so the caller passes one, or it is unknown."""
        with pytest.raises(UnknownWallet, match="'berlin'"):
            billing.statement(BERLIN)
        statement = billing.statement(BERLIN, currency=USD)

        assert (BERLIN, ()) == (statement.wallet, statement.postings)
        assert Money.zero(USD) == statement.opening == statement.closing

    def test_statement_keeps_the_currency_of_the_wallet(self, billing):
        """The passed currency is only for wallets without postings."""
        assert EUR == billing.statement(ACME, currency=USD).closing.currency

    @pytest.mark.parametrize("page_size", [1, 2, 3, 4])
    def test_statement_reads_all_pages(self, billing, store, page_size):
        """With any page size, the four postings are listed once."""
        store.page_size = page_size

        assert 4 == len(billing.statement(ACME).postings)

    def test_statement_sorts_by_value_date(self, billing, store):
        """A renewal that a late run books is listed on the day on which it was due."""
        billing.deposit(ACME, euros("7"), transfer="march", on=date(2026, 3, 20))
        billing.run_due(on=date(2026, 3, 20))
        amounts = [str(posting.amount.amount) for posting in billing.statement(ACME).postings]

        assert ["100.00", "-34.75", "10.00", "-34.75", "-34.75", "7.00"] == amounts

    def test_statement_sorts_postings_of_one_day_by_commit(self, billing):
        """Postings are sorted by day; postings of one day stay in commit order."""
        wallet = Wallet("globex")
        for amount, day in (("3", 7), ("1", 5), ("4", 7), ("2", 6)):
            on = date(2026, 1, day)
            billing.deposit(wallet, euros(amount), transfer=amount, on=on)
        amounts = [str(posting.amount.amount) for posting in billing.statement(wallet).postings]

        assert ["1.00", "2.00", "3.00", "4.00"] == amounts

    def test_statement_opens_in_the_currency_of_the_wallet(self, billing):
        """Before the first posting of a wallet in dollars, its opening balance is 0.00 USD."""
        wallet = Wallet("usa")
        billing.deposit(wallet, Money.of("3", USD), transfer="u", on=DAY)

        assert Money(minor=0, currency=USD) == billing.statement(wallet, until=DAY).opening


class TestQuestions:
    """Balances, subscriptions and questions about calls."""

    def test_balance_of_a_wallet(self, billing, store, berlin):
        """Zero is a balance; a wallet without postings has none."""
        assert euros("20") == billing.balance(BERLIN)
        billing.charge(BERLIN, euros("20"), transfer="all", on=DAY)
        assert euros("0") == billing.balance(BERLIN)
        with pytest.raises(UnknownWallet, match="'munich'"):
            billing.balance(Wallet("acme", "munich"))

    def test_subscription_is_returned_as_it_is_stored(self, billing, store, berlin):
        """Nothing due is settled, and a profile that never bought has none."""
        assert berlin == billing.subscription("acme", "berlin")
        assert None is billing.subscription("globex", "berlin")
        assert 3 == store.calls.count("commit")  # a deposit, a purchase, and assigned credit

    @pytest.mark.parametrize(
        ("active_calls", "on", "admitted"),
        [(4, DAY, True), (5, DAY, False), (0, date(2026, 1, 4), False)],
    )
    def test_profile_admits_as_many_calls_as_it_has_channels(
        self, billing, store, berlin, active_calls, on, admitted
    ):
        """Berlin has five channels from 5 January on; profiles without any admit no call."""
        assert admitted is billing.admits("acme", "berlin", active_calls, on=on)
        assert not billing.admits("acme", "munich", 0, on=on)

    @pytest.mark.parametrize(
        ("destination", "seconds"),
        [
            ("DE", 60_012),  # 1,000.2 minutes at 0.02 are 20.004; 1,000.3 are 20.006
            ("US", 57_156),  # 952.6 minutes at 0.021, without a bundle, are 20.0046
        ],
    )
    def test_longest_call_uses_the_credit_of_the_profile(
        self, billing, store, berlin, destination, seconds
    ):
        """Berlin's 20.00 pay steps of 6 seconds until the charge is rounded up to 20.01."""
        call = make_call(minutes=0, destination=destination)

        assert timedelta(seconds=seconds) == billing.longest_call("acme", "berlin", call, on=DAY)

    def test_longest_call_of_wallets_without_postings_is_zero(self, billing, store):
        """A wallet without postings holds nothing; a profile that never bought is not active."""
        open_account(store)
        for profile in ("berlin", "munich"):
            assert timedelta(0) == billing.longest_call("acme", profile, make_call(), on=DAY)

    def test_question_first_settles_what_is_due(self, billing, store, berlin):
        """The renewal adds 5,000 minutes, so a question on the first day of a term sees them."""
        plan = SKYPE_CONNECT.plan(channels=1, bundles=1)
        billing.buy(plan, account="acme", profile="rome", subscription="s of rome", on=PURCHASE_DAY)
        call = make_call(day=FIRST_END, minutes=0, destination="US")

        assert timedelta(minutes=5000) < billing.longest_call("acme", "rome", call, on=FIRST_END)
        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store, "rome")
