"""Random accounts: the postings of all wallets of one account, in the order of commits."""

from datetime import date, timedelta

from hypothesis import strategies as st

from channelplans.money import EUR, Money
from channelplans.subscriptions.credit_lots import expiries
from channelplans.subscriptions.transfers import (
    assign_credit,
    charge,
    deposit,
    expire_credit,
    take_back_credit,
)
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

FIRST_DAY = date(2026, 1, 5)
ACME, BERLIN, LYON = Wallet("acme"), Wallet("acme", "berlin"), Wallet("acme", "lyon")
WALLETS = (ACME, BERLIN, LYON)


def cents(minor):
    """Return an amount in euros, from cents."""
    return Money(minor=minor, currency=EUR)


class Account:
    """The wallets of one account. Only a call may overdraw its wallet, as in a store."""

    def __init__(self, rules):
        self.rules = rules
        self.postings: list[Posting] = []
        self.balances = dict.fromkeys(WALLETS, 0)
        # What each subscription paid, less its refunds.
        self.paid: dict[str, int] = {}
        self.actions = {
            "deposit": self.deposit,
            "bonus": self.give_bonus,
            "buy": self.buy,
            "refund": self.refund,
            "assign": self.assign,
            "take back": self.take_back,
            "call": self.call,
            "expire": self.expire,
        }

    def commit(self, postings, *, may_overdraw=False):
        """Book postings; fail if a wallet pays more than its balance and may not."""
        for posting in postings:
            self.balances[posting.wallet] += posting.amount.minor
            is_allowed = posting.amount.minor > 0 or self.balances[posting.wallet] >= 0
            assert is_allowed or may_overdraw, posting
        self.postings += postings

    def new_id(self):
        """Return an identifier that no posting has."""
        return f"n-{len(self.postings)}"

    def deposit(self, wallet, amount, on):
        """Pay credit in."""
        self.commit(deposit(wallet, cents(amount), transfer=self.new_id(), on=on).postings)

    def give_bonus(self, wallet, amount, on):
        """Give a bonus."""
        bonus = deposit(wallet, cents(amount), transfer=self.new_id(), on=on, reason=Reason.BONUS)
        self.commit(bonus.postings)

    def buy(self, _, amount, on):
        """Buy one of three subscriptions, or renew it, for at most the balance."""
        subscription = f"s-{amount % 3}"
        reason = Reason.RENEWAL if subscription in self.paid else Reason.SUBSCRIPTION
        price = min(amount, self.balances[ACME])
        if price > 0:
            self.commit([Posting(ACME, cents(-price), reason, on, reference=subscription)])
            self.paid[subscription] = self.paid.get(subscription, 0) + price

    def refund(self, _, amount, on):
        """Refund a part of a subscription's price, or all of it."""
        if not self.paid:
            return
        subscription = sorted(self.paid)[amount % len(self.paid)]
        refunded = min(amount, self.paid[subscription])
        if refunded:
            self.paid[subscription] -= refunded
            self.commit([Posting(ACME, cents(refunded), Reason.REFUND, on, reference=subscription)])

    def assign(self, wallet, amount, on):
        """Move at most the balance from the account to a profile."""
        profile, assigned = wallet.profile or "berlin", min(amount, self.balances[ACME])
        if assigned > 0:
            transfer = assign_credit(
                "acme", profile, cents(assigned), transfer=self.new_id(), on=on
            )
            self.commit(transfer.postings)

    def take_back(self, wallet, amount, on):
        """Move at most the balance from a profile to the account."""
        profile = wallet.profile or "berlin"
        taken = min(amount, self.balances[Wallet("acme", profile)])
        if taken > 0:
            transfer = take_back_credit(
                "acme", profile, cents(taken), transfer=self.new_id(), on=on
            )
            self.commit(transfer.postings)

    def call(self, wallet, amount, on):
        """Charge a finished call, which may overdraw the wallet."""
        call = charge(wallet, cents(amount), transfer=self.new_id(), on=on, reason=Reason.CALL)
        self.commit(call.postings, may_overdraw=True)

    def expire(self, _, amount, on):
        """Book the expired credit, in an order that depends on the amount."""
        computed = expiries(self.postings, self.rules, on=on)
        first = amount % (len(computed) or 1)
        for expiry in computed[first:] + computed[:first]:
            transfer = expire_credit(
                expiry.wallet, -expiry.amount, transfer=expiry.reference or "", on=expiry.on
            )
            self.commit(transfer.postings)


steps = st.lists(
    st.tuples(
        st.sampled_from(tuple(Account([]).actions)),
        st.sampled_from(WALLETS),
        st.integers(1, 100),
        st.integers(0, 9),
    ),
    min_size=15,
    max_size=40,
)


@st.composite
def accounts(draw, rules, *, days_behind=0):
    """Draw an account after a bonus, a deposit and other actions.

    Each action is dated on the day of the action before it or later. With ``days_behind``, it may
    be dated that many days earlier, as by a worker with a wrong day.
    """
    account, day = Account(draw(rules)), FIRST_DAY
    account.give_bonus(ACME, 100, day)
    account.deposit(ACME, 100, day)
    for action, wallet, amount, gap in draw(steps):
        day += timedelta(days=gap)
        on = day - timedelta(days=draw(st.integers(0, days_behind)))
        account.actions[action](wallet, amount, on)
    return account
