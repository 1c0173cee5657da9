"""The types of wallets, lots, catalogues, subscriptions and decisions.

They are checked by mypy and pyright and never run. Each line with ``type: ignore`` is a mistake
that a type checker must find. An ignore that is not needed is an error too.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import assert_type

from channelplans.calendar import Days, Months, Term
from channelplans.calls import Call, RatedCall
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Plan
from channelplans.pricing import Refund
from channelplans.rules import Notice
from channelplans.subscriptions.actions import (
    buy,
    cancel,
    change,
    expire,
    lapse,
    renew,
    resume,
    terminate,
)
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.catalogue import Catalogue, Edition, Migration
from channelplans.subscriptions.credit_lots import (
    Draw,
    Lot,
    LotRule,
    Payment,
    expiries,
    merge_wallets,
    open_lots,
    payments,
)
from channelplans.subscriptions.decisions import Decision, Request, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId, SubscriptionId, Token
from channelplans.subscriptions.invoice_lines import InvoiceLine
from channelplans.subscriptions.invoices import Invoice, make_invoice
from channelplans.subscriptions.price_changes import (
    Comparison,
    PriceDifference,
    RuleDifference,
    compare_editions,
)
from channelplans.subscriptions.subscription import (
    RUNNING,
    Action,
    PreviousTerm,
    Status,
    Subscription,
)
from channelplans.subscriptions.transfers import (
    assign_credit,
    charge,
    deposit,
    expire_credit,
    take_back_credit,
)
from channelplans.subscriptions.transitions import AT_END, TRANSITIONS
from channelplans.subscriptions.wallets import (
    Posting,
    Reason,
    Statement,
    Wallet,
    deltas,
    settle,
    signed,
)
from channelplans.tariffs import Tariff

DAY = date(2026, 1, 5)
ACCOUNT, PROFILE, ID = "acme", "berlin", "s-1"
FIVE = Money.of("5", EUR)
PLAN = SKYPE_CONNECT.plan(channels=3, bundles=1)


def ledger() -> None:
    """Wallets have postings. A statement and the settlement use both."""
    wallet = Wallet(ACCOUNT)
    assert_type(wallet.account, AccountId)
    assert_type(Wallet(ACCOUNT, PROFILE).profile, ProfileId | None)
    posting = Posting(wallet, FIVE, Reason.DEPOSIT, DAY)
    assert_type(posting.amount, Money)
    assert_type(posting.term, Term | None)
    assert_type(posting.value_date, date | None)
    assert_type(posting.counts_from, date)
    assert_type(posting.to_records(), list[dict[str, object]])
    assert_type(posting.to_json_records(), list[dict[str, str | int | None]])
    statement = Statement(wallet, FIVE, (posting,))
    assert_type(statement.balances, tuple[Money, ...])
    assert_type(statement.closing, Money)
    assert_type(signed(FIVE), str)
    assert_type(deltas([posting]), dict[Wallet, Money])
    assert_type(settle({wallet: FIVE}, [posting]), dict[Wallet, Money])
    Wallet(3)  # type: ignore[arg-type]
    Posting(wallet, 5, Reason.DEPOSIT, DAY)  # type: ignore[arg-type]
    Posting(wallet, FIVE, "deposit", DAY)  # type: ignore[arg-type]
    settle({ACCOUNT: FIVE}, [posting])  # type: ignore[dict-item]
    posting.amount = FIVE  # type: ignore[misc]


def lots(postings: Sequence[Posting]) -> None:
    """Lots, payments and expiries follow from postings."""
    rule = LotRule(Reason.BONUS, Months(3), since_use=True, priority=-1)
    assert_type(rule.lasts, Days | Months | None)
    lots_left = open_lots(postings, [rule], on=DAY)
    assert_type(lots_left, tuple[Lot, ...])
    assert_type(lots_left[0].wallet, Wallet)
    assert_type(lots_left[0].left, Money)
    assert_type(lots_left[0].expires, date | None)
    assert_type(lots_left[0].expired(DAY), bool)
    payments_made = payments(postings)
    assert_type(payments_made, tuple[Payment, ...])
    assert_type(payments_made[0].draws, tuple[Draw, ...])
    assert_type(payments_made[0].unpaid, Money)
    assert_type(payments_made[0].draws[0].lot, Posting)
    assert_type(expiries(postings, [rule], on=DAY), tuple[Posting, ...])
    assert_type(merge_wallets([postings]), tuple[Posting, ...])
    open_lots(postings, [rule])  # type: ignore[call-arg]
    open_lots(postings, rule, on=DAY)  # type: ignore[arg-type]
    expiries(postings, on=DAY)  # type: ignore[call-arg]
    LotRule("bonus")  # type: ignore[arg-type]


def catalogue(subscription: Subscription, tariff: Tariff) -> None:
    """A catalogue contains editions. Two editions can be compared."""
    edition = Edition(SKYPE_CONNECT, tariff, DAY, migration=Migration.PINNED)
    assert_type(edition.migration, Migration | date)
    assert_type(edition.end, date | None)
    assert_type(edition.moves_from, date | None)
    assert_type(DAY in edition, bool)
    assert_type(edition.holds(subscription), bool)
    assert_type(edition.price(PLAN), Money)
    assert_type(edition.plan_for(PLAN), Plan)
    assert_type(edition.nearest(PLAN), Plan)
    editions = Catalogue([edition])
    assert_type(editions.editions, tuple[Edition, ...])
    assert_type(editions.on(DAY), Edition)
    assert_type(editions.held_by(subscription), Edition)
    assert_type(editions.for_renewal(subscription), Edition)
    compared = compare_editions(edition, edition, [subscription])
    assert_type(compared, Comparison)
    assert_type(compared.rules, tuple[RuleDifference, ...])
    assert_type(compared.prices, tuple[PriceDifference, ...])
    assert_type(compared.prices[0].new, Money | None)
    assert_type(compared.prices[0].difference, Money | None)
    assert_type(compared.prices[0].moves_on, date | None)
    Edition(SKYPE_CONNECT, tariff, "2026-01-05")  # type: ignore[arg-type]
    Edition(SKYPE_CONNECT, tariff, DAY, migration="pinned")  # type: ignore[arg-type]
    Catalogue(edition)  # type: ignore[arg-type]
    editions.on("2026-01-05")  # type: ignore[arg-type]
    edition.end = DAY  # type: ignore[misc]


def subscriptions(subscription: Subscription) -> None:
    """A subscription is read-only, and so is the table of transitions."""
    assert_type(subscription.id, SubscriptionId)
    assert_type(subscription.account, AccountId)
    assert_type(subscription.profile, ProfileId)
    assert_type(subscription.plan, Plan)
    assert_type(subscription.term, Term)
    assert_type(subscription.status, Status)
    assert_type(subscription.last_changed_on, date | None)
    assert_type(subscription.acted_on, date | None)
    assert_type(subscription.started_on, date | None)
    assert_type(subscription.pending, Plan | None)
    assert_type(subscription.previous_term, PreviousTerm | None)
    assert_type(subscription.calls_end, date | None)
    assert_type(subscription.lapses_on, date)
    assert_type(subscription.kept_until, date)
    assert_type(subscription.last_term_end, date)
    assert_type(subscription.renews, bool)
    assert_type(subscription.minimum_term_end, date)
    assert_type(subscription.active_on(DAY), bool)
    assert_type(subscription.admits(3, on=DAY), bool)
    assert_type(TRANSITIONS, Mapping[tuple[Status | None, Action], Status])
    assert_type(AT_END, frozenset[Action])
    assert_type(RUNNING, frozenset[Status])
    subscription.status = Status.ENDED  # type: ignore[misc]
    subscription.admits(3)  # type: ignore[call-arg]
    TRANSITIONS[None, Action.BUY] = Status.ENDED  # type: ignore[index]


def lifecycle(subscription: Subscription, tariff: Tariff, call: Call) -> None:
    """Each action is a function that returns a decision."""
    bought = buy(PLAN, tariff, account=ACCOUNT, profile=PROFILE, subscription=ID, on=DAY)
    assert_type(bought, Decision)
    assert_type(bought.refund, Refund | None)
    assert_type(bought.call, RatedCall | None)
    assert_type(bought.request, Request | None)
    assert_type(bought.may_overdraw, bool)
    assert_type(bought.account, AccountId)
    assert_type(subscription.term_of(call), PreviousTerm | None)
    assert_type(change(subscription, PLAN, tariff, on=DAY), Decision)
    assert_type(renew(subscription, tariff, on=DAY), Decision)
    assert_type(renew(subscription, tariff, on=DAY, plan=PLAN), Decision)
    assert_type(renew(subscription, tariff, on=DAY, keep_bundles=False), Decision)
    assert_type(cancel(subscription, on=DAY), Decision)
    assert_type(resume(subscription, on=DAY), Decision)
    assert_type(lapse(subscription, on=DAY), Decision)
    assert_type(expire(subscription, on=DAY), Decision)
    assert_type(terminate(subscription, on=DAY, refund=False), Decision)
    assert_type(record_call(subscription, call, tariff, on=DAY), Decision)
    assert_type(bought.action, Action)
    assert_type(bought.before, Subscription | None)
    assert_type(bought.after, Subscription)
    assert_type(bought.postings, tuple[Posting, ...])
    assert_type(bought.deltas, Mapping[Wallet, Money])
    assert_type(bought.notices, tuple[Notice, ...])
    assert_type(bought.token, Token)
    assert_type(cancel(bought.after, on=DAY).after.plan, Plan)
    cancel(subscription, DAY)  # type: ignore[call-arg]
    renew(subscription, tariff, on=DAY, plan=SKYPE_CONNECT)  # type: ignore[arg-type]
    renew(subscription, tariff, on=DAY, plan=SKYPE_CONNECT, keep_bundles=False)  # type: ignore[arg-type]
    cancel(subscription)  # type: ignore[call-arg]
    buy(PLAN, tariff, account=3, profile=PROFILE, subscription=ID, on=DAY)  # type: ignore[arg-type]
    bought.deltas[Wallet(ACCOUNT)] = FIVE  # type: ignore[index]


def credit() -> None:
    """Each function that moves credit returns a transfer, which has no subscription."""
    wallet = Wallet(ACCOUNT)
    paid_in = deposit(wallet, FIVE, transfer="p-1", on=DAY)
    assert_type(paid_in, Transfer)
    assert_type(deposit(wallet, FIVE, transfer="p-1", on=DAY, reason=Reason.BONUS), Transfer)
    assert_type(assign_credit(ACCOUNT, PROFILE, FIVE, transfer="t-1", on=DAY), Transfer)
    assert_type(take_back_credit(ACCOUNT, PROFILE, FIVE, transfer="t-1", on=DAY), Transfer)
    assert_type(charge(wallet, FIVE, transfer="f-1", on=DAY, reason=Reason.CALL), Transfer)
    assert_type(expire_credit(wallet, FIVE, transfer="e-1", on=DAY), Transfer)
    assert_type(charge(wallet, FIVE, transfer="f-2", on=DAY, may_overdraw=True), Transfer)
    assert_type(expire_credit(wallet, FIVE, transfer="e-2", on=DAY, seen=12), Transfer)
    assert_type(paid_in.seen, int | None)
    assert_type(paid_in.account, AccountId)
    assert_type(paid_in.action, Action)
    assert_type(paid_in.on, date)
    assert_type(paid_in.postings, tuple[Posting, ...])
    assert_type(paid_in.deltas, Mapping[Wallet, Money])
    assert_type(paid_in.token, Token)
    assert_type(paid_in.to_records(), list[dict[str, object]])
    deposit(ACCOUNT, FIVE, transfer="p", on=DAY)  # type: ignore[arg-type]
    deposit(wallet, 5, transfer="p", on=DAY)  # type: ignore[arg-type]
    expire_credit(ACCOUNT, FIVE, transfer="e", on=DAY)  # type: ignore[arg-type]
    assign_credit(wallet, PROFILE, FIVE, transfer="t", on=DAY)  # type: ignore[arg-type]
    _ = paid_in.after  # type: ignore[attr-defined]
    paid_in.deltas[wallet] = FIVE  # type: ignore[index]


def invoices(decisions: list[Decision], committed: Sequence[Decision | Transfer]) -> None:
    """An invoice is made from decisions, transfers or both, and its amounts are money."""
    invoice = make_invoice(ACCOUNT, committed, opening=FIVE, since=DAY, until=DAY)
    assert_type(invoice, Invoice)
    assert_type(make_invoice(ACCOUNT, decisions, opening=FIVE, since=DAY, until=DAY), Invoice)
    assert_type(invoice.period, Term)
    assert_type(invoice.lines, tuple[InvoiceLine, ...])
    assert_type(invoice.total, Money)
    assert_type(invoice.closing, Money)
    assert_type(invoice.lines[0].reason, Reason)
    assert_type(invoice.to_records(), list[dict[str, object]])
    make_invoice(ACCOUNT, committed, opening=5, since=DAY, until=DAY)  # type: ignore[arg-type]
    make_invoice(ACCOUNT, committed, FIVE, DAY, DAY)  # type: ignore[call-arg]
    invoice.total = FIVE  # type: ignore[misc]


def identifiers(account: AccountId, profile: ProfileId, token: Token) -> str:
    """An identifier is a plain string, so strings need no conversion."""
    assert_type(account, str)
    assert_type(profile, str)
    assert_type(token, str)
    assert_type(Wallet("acme", "berlin").account, str)
    plain: SubscriptionId = "s-1"
    return plain
