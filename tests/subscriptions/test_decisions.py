"""What a decision and a transfer contain, and how they describe themselves."""

import copy
import pickle
from datetime import date, datetime, timedelta

import attrs
import pytest
from tests.subscriptions.samples import (
    ACME,
    ACTIVE,
    BERLIN,
    CANCELLED,
    END,
    FIRST_DAY,
    FIVE_CHANNELS,
    FREE_TARIFF,
    IDENTIFIERS,
    LATE_RUN,
    MID_TERM,
    PLAN,
    TARIFF,
    buy_subscription,
    call,
    euros,
)

from channelplans.errors import InvalidValue, WrongType
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import ChangeEffect, ChangeRule
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
from channelplans.subscriptions.decisions import Decision, Request, Transfer
from channelplans.subscriptions.transfers import (
    assign_credit,
    charge,
    deposit,
    expire_credit,
    take_back_credit,
)
from channelplans.subscriptions.wallets import Statement, Wallet

EMERGENCY_NOTICE = "Not a telephone replacement: it cannot call emergency numbers."


RENEWS_AFTER_TERM = "Runs until 2026-02-04, when it renews itself."


PURCHASE = buy(PLAN, TARIFF, on=FIRST_DAY, **IDENTIFIERS)


DEPOSIT = deposit(BERLIN, euros("50"), transfer="p-1", on=FIRST_DAY)


#: Names that would pass for a posting if a sentence did not quote them.
HOSTILE_NAMES = [
    "acme receives 1000.00 EUR (refund). The purse of account evil",
    "acme' receives 1000.00 EUR (refund). The purse of account 'evil",
    """acme' receives 1000.00 EUR (refund). The "purse" of account 'evil""",
]


EXPECTED_TEXTS: dict[str, tuple[Decision | Transfer, list[str]]] = {
    "buy": (
        PURCHASE,
        [
            "2026-01-05: buy 3 channels and 1 bundle of 5,000 minutes for profile 'berlin'.",
            RENEWS_AFTER_TERM,
            "The wallet of account 'acme' pays 30.85 EUR (subscription).",
            EMERGENCY_NOTICE,
        ],
    ),
    "buy under a free tariff": (
        buy(FIVE_CHANNELS, FREE_TARIFF, on=FIRST_DAY, **IDENTIFIERS),
        [
            "2026-01-05: buy 5 channels for profile 'berlin'.",
            RENEWS_AFTER_TERM,
            "No money moves.",
            EMERGENCY_NOTICE,
        ],
    ),
    "change": (
        change(CANCELLED, FIVE_CHANNELS, TARIFF, on=MID_TERM),
        [
            "2026-01-15: change profile 'berlin' to 5 channels.",
            "Runs until 2026-02-14, when it renews itself.",
            # 5 x 6.95 = 34.75
            "The wallet of account 'acme' receives 20.57 EUR (refund) "
            "and pays 34.75 EUR (subscription), -14.18 EUR in all.",
            "Profile 'berlin' has 0 bundles from 2026-01-15 on, instead of 1.",
            EMERGENCY_NOTICE,
        ],
    ),
    "change with a net refund": (
        change(ACTIVE, SKYPE_CONNECT.plan(channels=1), TARIFF, on=FIRST_DAY),
        [
            "2026-01-05: change profile 'berlin' to 1 channel.",
            RENEWS_AFTER_TERM,
            "The wallet of account 'acme' receives 30.85 EUR (refund) "
            "and pays 6.95 EUR (subscription), +23.90 EUR in all.",
            "Profile 'berlin' has 0 bundles from 2026-01-05 on, instead of 1.",
            EMERGENCY_NOTICE,
        ],
    ),
    "renew": (
        renew(buy_subscription(FIVE_CHANNELS), TARIFF, on=END),
        [
            "2026-02-04: renew the subscription of profile 'berlin', 5 channels.",
            "Runs until 2026-03-06, when it renews itself.",
            "The wallet of account 'acme' pays 34.75 EUR (renewal).",
        ],
    ),
    "cancel": (
        cancel(buy_subscription(FIVE_CHANNELS), on=MID_TERM),
        [
            "2026-01-15: cancel the subscription of profile 'berlin', 5 channels.",
            "Runs until 2026-02-04, when it ends.",
            "No money moves.",
            "This cancels the subscription of profile 'berlin'. "
            "It is not available from 2026-02-04 on.",
        ],
    ),
    "resume": (
        resume(cancel(buy_subscription(FIVE_CHANNELS), on=MID_TERM).after, on=MID_TERM),
        [
            "2026-01-15: resume the subscription of profile 'berlin', 5 channels.",
            RENEWS_AFTER_TERM,
            "No money moves.",
        ],
    ),
    "lapse": (
        lapse(buy_subscription(FIVE_CHANNELS), on=LATE_RUN),
        [
            "2026-04-10: let the subscription of profile 'berlin' lapse, 5 channels.",
            "Not active since 2026-02-04.",
            "No money moves.",
            "The renewal was not paid: profile 'berlin' carries no calls since 2026-02-04.",
        ],
    ),
    "expire": (
        expire(cancel(buy_subscription(FIVE_CHANNELS), on=MID_TERM).after, on=LATE_RUN),
        [
            "2026-04-10: end the cancelled subscription of profile 'berlin', 5 channels.",
            "Not active since 2026-02-04.",
            "No money moves.",
        ],
    ),
    "terminate": (
        terminate(buy_subscription(FIVE_CHANNELS), on=MID_TERM),
        [
            "2026-01-15: end the subscription of profile 'berlin' at once, 5 channels.",
            "Not active since 2026-01-15.",
            # 34.75 x 2/3 = 23.1667
            "The wallet of account 'acme' receives 23.17 EUR (refund).",
        ],
    ),
    "deposit": (
        DEPOSIT,
        [
            "2026-01-05: pay in from outside.",
            "The wallet of profile 'berlin' of account 'acme' receives 50.00 EUR (deposit).",
        ],
    ),
    "charge": (
        charge(BERLIN, euros("5"), transfer="f-1", on=FIRST_DAY),
        [
            "2026-01-05: charge a wallet.",
            "The wallet of profile 'berlin' of account 'acme' pays 5.00 EUR (charge).",
        ],
    ),
    "assign": (
        assign_credit("acme", "berlin", euros("5"), transfer="t-1", on=FIRST_DAY),
        [
            "2026-01-05: assign credit to a profile.",
            "The wallet of account 'acme' pays 5.00 EUR (transfer).",
            "The wallet of profile 'berlin' of account 'acme' receives 5.00 EUR (transfer).",
        ],
    ),
    "take back": (
        take_back_credit("acme", "berlin", euros("5"), transfer="t-1", on=FIRST_DAY),
        [
            "2026-01-05: take back credit from a profile.",
            "The wallet of profile 'berlin' of account 'acme' pays 5.00 EUR (transfer).",
            "The wallet of account 'acme' receives 5.00 EUR (transfer).",
        ],
    ),
    "let expire": (
        expire_credit(BERLIN, euros("5"), transfer="e-1", on=FIRST_DAY),
        [
            "2026-01-05: let credit expire.",
            "The wallet of profile 'berlin' of account 'acme' pays 5.00 EUR (expiry).",
        ],
    ),
}


DECISIONS = {case: decision for case, (decision, _) in EXPECTED_TEXTS.items()}
DECISIONS["record a call"] = record_call(ACTIVE, call(600, "DE"), TARIFF, on=FIRST_DAY)


class TestDecision:
    """The result of an action, before it is committed."""

    @pytest.mark.parametrize("case", EXPECTED_TEXTS)
    def test_prints_the_action_the_days_the_money_and_the_notices(self, case):
        """A decision prints the action, the end of the term, each wallet's postings and notices."""
        decision, expected_lines = EXPECTED_TEXTS[case]

        assert expected_lines == str(decision).split("\n")

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_name_cannot_pass_for_a_posting(self, name):
        """Each name is one quoted literal, so all text outside the quotes is the library's own."""
        ids = {"account": name, "profile": name, "subscription": name}
        bought = buy_subscription(FIVE_CHANNELS, **ids)
        bonus = deposit(Wallet(name), euros("50"), transfer=name, on=FIRST_DAY)
        values = [
            bought,
            *(act(bought, on=FIRST_DAY) for act in (cancel, terminate)),
            change(bought, PLAN, TARIFF, on=FIRST_DAY),
            renew(bought, TARIFF, on=END),
            lapse(bought, on=END),
            record_call(bought, call(600, "DE"), TARIFF, on=FIRST_DAY),
            bonus,
            *bonus.postings,
        ]

        for text in map(str, values):
            assert repr(name) in text
            assert name not in text.replace(repr(name), "")

    def test_long_names_are_cut(self):
        """The longest name is cut in the text after 80 characters, but not in the data."""
        name = "b" * 255
        bought = buy_subscription(FIVE_CHANNELS, profile=name)

        assert "b" * 81 not in str(cancel(bought, on=FIRST_DAY))
        assert name == bought.profile

    def test_name_cannot_pass_for_columns_of_a_statement(self):
        """Two spaces stand between columns, so several spaces inside a name become one."""
        name = "p-1  2026-01-05   +99.00"
        bonus = deposit(BERLIN, euros("5"), transfer=name, on=FIRST_DAY)
        statement = Statement(BERLIN, euros("0"), bonus.postings)

        assert "  p-1 2026-01-05 +99.00  " in str(statement)

    def test_to_records_does_not_quote_names(self):
        """A row holds the account's identifier as it is."""
        (row,) = buy(
            PLAN, TARIFF, on=FIRST_DAY, **{**IDENTIFIERS, "account": "o'brien"}
        ).to_records()

        assert "o'brien" == row["account"]

    def test_shows_the_requested_number_and_the_reason(self):
        """105 channels are sold as 100 (H5): the text, the HTML and the records say so."""
        decision = buy(SKYPE_CONNECT.plan(channels=105), TARIFF, on=FIRST_DAY, **IDENTIFIERS)
        reason = "above 100, multiples of 10, rounded down"
        (row,) = decision.to_records()

        assert f"buy 100 channels (105 requested: {reason}) for" in str(decision)
        assert f"buy 100 channels (105 requested: {reason}) for" in decision._repr_html_()
        assert (105, 100, reason, "subscription") == (
            row["requested"],
            row["granted"],
            row["granted_reason"],
            row["reason"],
        )

    def test_shows_the_requested_number_of_a_change_for_the_next_term(self):
        """The text names the pending plan, not the plan of the running term."""
        rule = ChangeRule(fewer=ChangeEffect.AT_RENEWAL)
        offer = attrs.evolve(SKYPE_CONNECT, edition="later", change=rule)
        decision = change(
            buy_subscription(offer.plan(channels=200)),
            offer.plan(channels=105),
            TARIFF,
            on=MID_TERM,
        )

        assert "to 100 channels (105 requested: above 100" in str(decision)

    def test_prints_the_price_of_a_call(self):
        """The profile's wallet pays for ten minutes at 0.02."""
        message = str(DECISIONS["record a call"])

        assert "The wallet of profile 'berlin' of account 'acme' pays 0.20 EUR (call)." in message

    def test_to_records_returns_a_row_for_each_posting(self):
        """Each row holds the decision's token and action besides the posting."""
        decision = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM)

        assert [("change", "refund", 2057), ("change", "subscription", -3475)] == [
            (row["action"], row["reason"], row["minor"]) for row in decision.to_records()
        ]
        assert {decision.token} == {row["token"] for row in decision.to_records()}

    def test_deltas_are_read_only(self):
        """Assigning to the mapping of balance changes raises a TypeError."""
        with pytest.raises(TypeError):
            PURCHASE.deltas[ACME] = euros("0")  # type: ignore[index]

    @pytest.mark.parametrize("case", DECISIONS)
    @pytest.mark.parametrize(
        "make_copy",
        [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
        ids=["copy", "deepcopy", "evolve", "pickle"],
    )
    def test_copies_are_equal(self, case, make_copy):
        """Copying, pickling or evolving without changes keeps the value, its hash and its text."""
        decision = DECISIONS[case]
        copied = make_copy(decision)

        assert (decision, hash(decision), str(decision)) == (copied, hash(copied), str(copied))

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("action", "buy"),
            ("on", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
            ("before", "nothing"),
            ("after", PLAN),
            ("postings", 5),
            ("notices", "a notice"),
            ("token", 5),
        ],
    )
    def test_fields_refuse_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the field."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(PURCHASE, **{parameter: value})

        assert parameter == caught.value.parameter

    def test_refuses_postings_on_wallets_of_another_account(self):
        """A store commits a decision to one account."""
        posting = attrs.evolve(PURCHASE.postings[0], wallet=Wallet("other"))

        with pytest.raises(InvalidValue, match=r"on wallets of account 'acme', not .* 'other'"):
            attrs.evolve(PURCHASE, postings=(posting,))

    def test_counts_from_the_value_date_of_its_first_posting(self):
        """Without a posting or a value date it counts from its day."""
        late = attrs.evolve(PURCHASE.postings[0], value_date=date(2026, 1, 2))

        assert FIRST_DAY == PURCHASE.counts_from == DECISIONS["resume"].counts_from - timedelta(10)
        assert date(2026, 1, 2) == attrs.evolve(PURCHASE, postings=(late,)).counts_from

    def test_holds_the_refund_line_by_line(self):
        """A termination refunds 20 of 30 days of 34.75; the rest is kept."""
        terminated, cancelled = DECISIONS["terminate"], DECISIONS["cancel"]
        assert isinstance(terminated, Decision)
        assert isinstance(cancelled, Decision)
        refund = terminated.refund

        assert refund is not None
        assert (euros("23.17"), euros("11.58")) == (refund.returned, refund.kept)
        assert cancelled.refund is None

    def test_request_holds_a_key_and_a_digest(self):
        """The text shows the key only."""
        request = Request("form 17", "8c6976e5")

        assert "request 'form 17'" == str(request)
        assert request == attrs.evolve(PURCHASE, request=request).request

    def test_fields_are_read_only(self):
        """Assigning to a field raises an error."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            PURCHASE.postings = ()  # type: ignore[misc]

    def test_an_action_does_not_modify_its_subscription(self):
        """An action returns a decision and does not modify the subscription that it was passed."""
        pickled_before = pickle.dumps(ACTIVE)
        decision = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM)

        assert pickled_before == pickle.dumps(ACTIVE)
        assert isinstance(decision, Decision)

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("action", "deposit"),
            ("on", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
            ("postings", 5),
            ("token", 5),
        ],
    )
    def test_fields_of_a_transfer_refuse_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the field."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(DEPOSIT, **{parameter: value})

        assert parameter == caught.value.parameter

    def test_fields_of_a_transfer_are_read_only(self):
        """Assigning to a field raises an error, and so does assigning to the balance changes."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            DEPOSIT.postings = ()  # type: ignore[misc]
        with pytest.raises(TypeError):
            DEPOSIT.deltas[BERLIN] = euros("0")  # type: ignore[index]

    def test_to_records_of_a_transfer_returns_a_row_for_each_posting(self):
        """Each row holds the transfer's token and action besides the posting."""
        transfer = assign_credit("acme", "berlin", euros("5"), transfer="t-1", on=FIRST_DAY)

        assert [
            ("transfer/t-1", "assign credit", None, -500),
            ("transfer/t-1", "assign credit", "berlin", 500),
        ] == [
            (row["token"], row["action"], row["profile"], row["minor"])
            for row in transfer.to_records()
        ]

    def test_html_is_escaped(self):
        """A notebook shows markup in a profile's name as text, also in notices."""
        subscription = buy_subscription(profile="<script>", account="<b>")
        html = (
            cancel(subscription, on=FIRST_DAY)._repr_html_()
            + terminate(subscription, on=FIRST_DAY)._repr_html_()
        )

        assert "of profile &#x27;&lt;script&gt;&#x27;" in html
        assert "<script>" not in html
        assert "<b>" not in html
