"""Editions of an offer and its tariff over time, who holds which, and what a move changes."""

# Identifiers are plain text here, and wrong types are given on purpose.
# mypy: disable-error-code="arg-type, misc, operator, union-attr"

import pickle
from datetime import date, datetime
from decimal import Decimal
from textwrap import dedent

import attrs
import pytest

from channelplans.calendar import Days, Months
from channelplans.catalogue import (
    Catalogue,
    Comparison,
    Edition,
    Existing,
    RuleDifference,
    compare,
)
from channelplans.errors import (
    BundlesNotAllowed,
    ChannelsOutOfRange,
    CurrencyMismatch,
    InvalidValue,
    NotOffered,
    UnknownEdition,
    WrongType,
)
from channelplans.ladders import Ladder, Tier
from channelplans.money import EUR, USD, Money, Rounding
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import Quote, Tariff
from channelplans.rules import ChangeRule, Effect, QuantityRule, Rollover, Step, TermRule
from channelplans.subscriptions import Status, Subscription

JAN, FEB, MAR, APR = (date(2026, month, 1) for month in (1, 2, 3, 4))
LIST = Tariff("list", EUR, "6.95", "10", "0.021")
DEARER = attrs.evolve(LIST, name="dearer", channel="7.25")
DEAREST = attrs.evolve(LIST, name="dearest", channel="8")

PINNED, AT_RENEWAL = Existing.PINNED, Existing.AT_RENEWAL


def offer(edition, **rules):
    """Return the help page's offer as another edition with other rules."""
    return attrs.evolve(SKYPE_CONNECT, edition=edition, **rules)


def small(most, *, edition="small", multiple=None):
    """Return an offer of at most so many channels, perhaps of multiples alone."""
    steps = (Step(0, multiple),) if multiple else ()
    least = multiple or 1
    return offer(edition, quantity=QuantityRule(least, most, steps, Rounding.DOWN))


def held(tariff=LIST, start=JAN, channels=12, bundles=2, of=SKYPE_CONNECT, **more):
    """Return a subscription whose first term of the offer begins on a day."""
    paid = Quote(of.plan(channels=channels, bundles=bundles), tariff, of.term.first(start))
    parts = {
        "id": "s-1",
        "account": "acme",
        "profile": "berlin",
        "paid": paid,
        "anchor": start,
        "number": 0,
        "status": Status.ACTIVE,
        "allowance": paid.allowance,
        "last_changed_on": None,
        "sequence": 1,
    }
    return Subscription(**{**parts, **more})


def catalogue(second, third=None):
    """Return LIST in January, DEARER from February, and perhaps DEAREST from March."""
    editions = [
        Edition(SKYPE_CONNECT, LIST, date(2025, 1, 1), FEB),
        Edition(SKYPE_CONNECT, DEARER, FEB, MAR if third else None, second),
    ]
    if third:
        editions.append(Edition(SKYPE_CONNECT, DEAREST, MAR, None, third))
    return Catalogue(tuple(editions))


class TestEdition:
    """An offer and its tariff for some days."""

    def test_existing_subscriptions_move_at_their_renewal_unless_it_is_said(self):
        """Without a word, whoever holds an earlier edition takes it with the next renewal."""

        assert AT_RENEWAL is Edition(SKYPE_CONNECT, LIST, JAN).existing

    @pytest.mark.parametrize(
        ("existing", "expected"), [(PINNED, None), (AT_RENEWAL, JAN), (MAR, MAR)]
    )
    def test_renewals_take_it_from_a_day(self, existing, expected):
        """Never, from its start, or from the day that was noticed."""

        assert expected == Edition(SKYPE_CONNECT, LIST, JAN, existing=existing).moves_from

    def test_holds_its_first_day_and_not_its_end(self):
        """Like a term, it is half-open; without an end it has no last day."""
        edition, unending = (
            Edition(SKYPE_CONNECT, LIST, JAN, FEB),
            Edition(SKYPE_CONNECT, LIST, JAN),
        )
        days = (date(2025, 12, 31), JAN, date(2026, 1, 31), FEB)

        assert [False, True, True, False] == [day in edition for day in days]
        assert [False, True, True, True] == [day in unending for day in days]

    @pytest.mark.parametrize("end", [JAN, date(2025, 12, 31)])
    def test_an_end_before_its_first_day_is_over_is_refused(self, end):
        """An edition is sold on one day at least."""
        with pytest.raises(InvalidValue, match="end must be after the start, 2026-01-01"):
            Edition(SKYPE_CONNECT, LIST, JAN, end)

    def test_notice_for_a_day_before_the_start_is_refused(self):
        """Nobody can be moved to what is not there yet; the start itself is possible."""
        Edition(SKYPE_CONNECT, LIST, FEB, existing=FEB)

        with pytest.raises(InvalidValue, match="existing must be a day from the start, 2026-02-01"):
            Edition(SKYPE_CONNECT, LIST, FEB, existing=date(2026, 1, 31))

    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [
            ("offer", "Skype Connect"),
            ("tariff", 5),
            ("start", "2026-01-01"),
            ("end", 5),
            ("existing", "pinned"),
            ("existing", None),
            ("existing", datetime(2026, 1, 1)),  # noqa: DTZ001 - any datetime is refused
        ],
    )
    def test_wrong_types_are_named(self, parameter, wrong):
        """Each field refuses what it does not take, by its name."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(Edition(SKYPE_CONNECT, LIST, JAN), **{parameter: wrong})

        assert parameter == caught.value.parameter

    def test_holds_what_has_its_offer_and_was_paid_by_its_tariff(self):
        """The same offer at another price, or another offer at this one, is not held under it."""
        edition = Edition(SKYPE_CONNECT, LIST, JAN)

        assert [True, False, False] == [
            edition.holds(held()),
            edition.holds(held(DEARER)),
            edition.holds(held(of=small(50))),
        ]

    def test_prices_a_full_term(self):
        """12 channels at 6.95 and 2 bundles at 10 are 83.40 + 20.00."""
        plan = SKYPE_CONNECT.plan(channels=12, bundles=2)

        assert Money.of("103.40", EUR) == Edition(SKYPE_CONNECT, LIST, JAN).price(plan)

    def test_prices_plans_alone(self):
        """A number of channels is no plan."""
        with pytest.raises(WrongType, match="plan"):
            Edition(SKYPE_CONNECT, LIST, JAN).price(12)

    def test_says_what_it_is(self):
        """Its offer, tariff and days, and what becomes of those who hold an earlier one."""
        edition = Edition(SKYPE_CONNECT, LIST, JAN, FEB, PINNED)

        assert (
            "Skype Connect (help page), tariff list, 2026-01-01 to 2026-02-01; "
            "existing: keep theirs" == str(edition)
        )

    def test_is_one_plain_row(self):
        """A row names the offer, the tariff and the days."""

        assert [
            {
                "offer": "Skype Connect",
                "edition": "help page",
                "tariff": "list",
                "currency": "EUR",
                "start": JAN,
                "end": None,
                "moves_from": MAR,
            }
        ] == Edition(SKYPE_CONNECT, LIST, JAN, existing=MAR).to_records()


class TestPlanFor:
    """The same channels and bundles under another edition's offer."""

    def test_keeps_channels_and_bundles(self):
        """What was sold is sold again, as a plan of the other offer."""
        new = offer("new", term=TermRule(Months(1)))
        plan = Edition(new, LIST, JAN).plan_for(SKYPE_CONNECT.plan(channels=12, bundles=2))

        assert new.plan(channels=12, bundles=2) == plan

    def test_a_plan_of_its_own_offer_is_left_as_it_is(self):
        """The number that was asked for is kept with it."""
        plan = SKYPE_CONNECT.plan(channels=105)

        assert 105 == Edition(SKYPE_CONNECT, LIST, JAN).plan_for(plan).requested

    def test_what_was_sold_counts_and_not_what_was_asked(self):
        """105 asked and 100 sold stay 100, also where 105 could be had."""
        singly = small(300)
        plan = Edition(singly, LIST, JAN).plan_for(SKYPE_CONNECT.plan(channels=105))

        assert (100, None) == (plan.channels, plan.requested)

    @pytest.mark.parametrize(
        ("new", "channels", "bundles", "reason", "nearest"),
        [
            (small(50), 60, 2, "at most 50", (50, 2)),
            (small(50), 60, 60, "at most 50", (50, 50)),
            (small(60, multiple=20), 10, 2, "at least 20", (20, 2)),
            (small(60, multiple=20), 50, 45, "sold as 40", (40, 40)),
            (offer("bare", bundles=None), 12, 2, "has no bundles", (12, 0)),
            (
                offer("free", bundles=attrs.evolve(SKYPE_CONNECT.bundles, per_channel=None)),
                305,
                306,
                "at most 300",
                (300, 306),
            ),
        ],
    )
    def test_an_illegal_plan_is_refused_with_the_nearest(
        self, new, channels, bundles, reason, nearest
    ):
        """The error says what is wrong under the new rules; the nearest plan is legal there."""
        rule = attrs.evolve(SKYPE_CONNECT.bundles, per_channel=None)
        wide = offer("wide", quantity=QuantityRule(1, 400), bundles=rule)
        plan = wide.plan(channels=channels, bundles=bundles)
        edition = Edition(new, LIST, JAN)

        with pytest.raises(NotOffered, match=reason) as caught:
            edition.plan_for(plan)

        assert nearest == (edition.nearest(plan).channels, edition.nearest(plan).bundles)
        assert f"the nearest that it has is {edition.nearest(plan)}" in str(caught.value)

    def test_the_error_names_the_plan_and_the_offer(self):
        """Fields are plain text, and the breach itself is the cause."""
        edition = Edition(small(50), LIST, JAN)
        with pytest.raises(NotOffered) as caught:
            edition.plan_for(SKYPE_CONNECT.plan(channels=60))

        assert ("plan of 60 channels", "Skype Connect (small)") == (
            caught.value.what,
            caught.value.offer,
        )
        assert isinstance(caught.value.__cause__, ChannelsOutOfRange)

    def test_bundles_that_do_not_fit_are_the_cause(self):
        """The channels may be legal, and the bundles not."""
        edition = Edition(offer("bare", bundles=None), LIST, JAN)
        with pytest.raises(NotOffered) as caught:
            edition.plan_for(SKYPE_CONNECT.plan(channels=12, bundles=2))

        assert isinstance(caught.value.__cause__, BundlesNotAllowed)

    @pytest.mark.parametrize("method", ["plan_for", "nearest"])
    def test_takes_plans_alone(self, method):
        """A number of channels is no plan."""
        with pytest.raises(WrongType, match="plan"):
            getattr(Edition(SKYPE_CONNECT, LIST, JAN), method)(12)


class TestCatalogue:
    """Editions one after the other."""

    def test_are_put_in_the_order_of_their_days(self):
        """However they are written down, the first comes first; a list is as good as a tuple."""
        first, second = catalogue(PINNED).editions

        assert Catalogue((first, second)) == Catalogue([second, first])

    def test_a_gap_is_refused_by_its_editions_and_days(self):
        """Between the end of one and the start of the next there is no day."""
        editions = (Edition(SKYPE_CONNECT, LIST, JAN, FEB), Edition(SKYPE_CONNECT, DEARER, MAR))
        with pytest.raises(InvalidValue) as caught:
            Catalogue(editions)

        assert (
            "editions must be one after the other, each sold until the next one's start, not with "
            "a gap between Skype Connect (help page), tariff list, 2026-01-01 to 2026-02-01 and "
            "Skype Connect (help page), tariff dearer, from 2026-03-01 on" == str(caught.value)
        )

    @pytest.mark.parametrize("end", [None, date(2026, 2, 2), APR])
    def test_an_overlap_is_refused_by_its_editions_and_days(self, end):
        """No day has two editions, and one without an end is followed by none."""
        editions = (Edition(SKYPE_CONNECT, LIST, JAN, end), Edition(SKYPE_CONNECT, DEARER, FEB))
        with pytest.raises(InvalidValue, match=r"an overlap between .*tariff list.*tariff dearer"):
            Catalogue(editions)

    def test_two_that_start_together_overlap(self):
        """One of them would never be sold."""
        editions = (Edition(SKYPE_CONNECT, LIST, JAN, FEB), Edition(SKYPE_CONNECT, DEARER, JAN))
        with pytest.raises(InvalidValue, match="an overlap"):
            Catalogue(editions)

    def test_an_empty_one_is_refused(self):
        """There is at least one edition."""
        with pytest.raises(InvalidValue, match="editions must be at least one edition"):
            Catalogue(())

    @pytest.mark.parametrize("wrong", [5, "list", (LIST,), None])
    def test_takes_editions_alone(self, wrong):
        """What is no edition is refused by the name of the parameter."""
        with pytest.raises(WrongType, match="editions"):
            Catalogue(wrong)

    def test_two_offers_of_one_name_and_edition_are_refused(self):
        """The second edition of the rules needs a name of its own."""
        changed = offer("help page", term=TermRule(Months(1)))
        editions = (Edition(SKYPE_CONNECT, LIST, JAN, FEB), Edition(changed, LIST, FEB))
        with pytest.raises(InvalidValue, match=r"called offer Skype Connect \(help page\)"):
            Catalogue(editions)

    def test_two_tariffs_of_one_name_are_refused(self):
        """Other prices need another name."""
        changed = attrs.evolve(LIST, channel="7")
        editions = (Edition(SKYPE_CONNECT, LIST, JAN, FEB), Edition(SKYPE_CONNECT, changed, FEB))
        with pytest.raises(InvalidValue, match="called tariff list"):
            Catalogue(editions)

    def test_the_same_offer_and_tariff_may_come_back(self):
        """A price may be lowered for a month, and then be what it was."""
        editions = (
            Edition(SKYPE_CONNECT, LIST, JAN, FEB),
            Edition(SKYPE_CONNECT, DEARER, FEB, MAR),
            Edition(SKYPE_CONNECT, LIST, MAR),
        )

        assert LIST == Catalogue(editions).on(APR).tariff

    def test_another_currency_is_another_catalogue(self):
        """Nothing could move from one currency to the other."""
        dollars = attrs.evolve(LIST, name="dollars", currency=USD)
        editions = (Edition(SKYPE_CONNECT, LIST, JAN, FEB), Edition(SKYPE_CONNECT, dollars, FEB))
        with pytest.raises(CurrencyMismatch):
            Catalogue(editions)

    def test_prints_a_table(self):
        """A line for each edition; the last has no end."""
        table = """
            offer                      tariff   currency  from        until       existing
            -------------------------  -------  --------  ----------  ----------  ----------------
            Skype Connect (help page)  list     EUR       2025-01-01  2026-02-01  at their renewal
            Skype Connect (help page)  dearer   EUR       2026-02-01  2026-03-01  keep theirs
            Skype Connect (help page)  dearest  EUR       2026-03-01              from 2026-04-01
        """

        assert dedent(table).strip() == str(catalogue(PINNED, APR))

    def test_has_a_row_for_each_edition(self):
        """In the order of their days."""

        assert ["list", "dearer"] == [row["tariff"] for row in catalogue(PINNED).to_records()]


class TestOn:
    """Which edition is sold on a day."""

    def test_an_edition_begins_on_its_first_day(self):
        """The day before it, the one before is sold."""
        sold = catalogue(PINNED)

        assert [LIST, DEARER] == [sold.on(day).tariff for day in (date(2026, 1, 31), FEB)]

    def test_a_day_before_the_first_has_none(self):
        """The error names the day and what there is."""
        with pytest.raises(UnknownEdition) as caught:
            catalogue(PINNED).on(date(2024, 12, 31))

        assert (
            "the catalogue has no edition on 2024-12-31; it has: "
            "Skype Connect (help page), tariff list, 2025-01-01 to 2026-02-01; "
            "Skype Connect (help page), tariff dearer, from 2026-02-01 on" == str(caught.value)
        )

    def test_the_end_of_the_last_has_none(self):
        """An end that is known is the first day without."""
        sold = Catalogue((Edition(SKYPE_CONNECT, LIST, JAN, FEB),))

        assert LIST == sold.on(date(2026, 1, 31)).tariff
        with pytest.raises(UnknownEdition, match="on 2026-02-01"):
            sold.on(FEB)

    def test_takes_days_alone(self):
        """A datetime's day depends on its zone."""
        with pytest.raises(WrongType, match="day"):
            catalogue(PINNED).on(datetime(2026, 1, 1))  # noqa: DTZ001 - any datetime is refused

    def test_the_error_is_a_value(self):
        """It is a LookupError with a stable code and plain fields, and pickles."""
        with pytest.raises(LookupError) as caught:
            catalogue(PINNED).on(date(2024, 12, 31))

        error = pickle.loads(pickle.dumps(caught.value))
        assert ("unknown-edition", "on 2024-12-31", 2) == (
            error.code,
            error.wanted,
            len(error.known),
        )


class TestHeldBy:
    """Which edition a subscription holds."""

    def test_is_found_by_offer_and_tariff(self):
        """Not by the day on which it was bought: prices may be promised beforehand."""
        early = held(DEARER, start=JAN)

        assert DEARER == catalogue(PINNED).held_by(early).tariff

    def test_of_two_alike_it_is_that_of_the_terms_first_day(self):
        """A price that comes back is the later edition's for those who bought it then."""
        editions = (
            Edition(SKYPE_CONNECT, LIST, date(2025, 1, 1), FEB),
            Edition(SKYPE_CONNECT, DEARER, FEB, MAR),
            Edition(SKYPE_CONNECT, LIST, MAR),
        )
        sold = Catalogue(editions)
        starts = (JAN, date(2026, 2, 10), MAR)

        assert [0, 0, 2] == [editions.index(sold.held_by(held(start=start))) for start in starts]

    def test_what_no_edition_has_is_an_error(self):
        """The error names the subscription and what it holds."""
        private = attrs.evolve(LIST, name="private")
        with pytest.raises(UnknownEdition) as caught:
            catalogue(PINNED).held_by(held(private))

        assert (
            "that subscription s-1 holds, Skype Connect (help page), tariff private"
            == caught.value.wanted
        )

    def test_takes_subscriptions_alone(self):
        """A plan holds nothing."""
        with pytest.raises(WrongType, match="subscription"):
            catalogue(PINNED).held_by(SKYPE_CONNECT.plan(channels=1))


class TestForRenewal:
    """Which edition the next term comes under."""

    # A term of 30 days from 2 January ends on 1 February; from 1 January on 31 January.
    @pytest.mark.parametrize(
        ("second", "start", "expected"),
        [
            (PINNED, date(2026, 1, 2), LIST),
            (PINNED, date(2025, 12, 1), LIST),
            (AT_RENEWAL, JAN, LIST),
            (AT_RENEWAL, date(2026, 1, 2), DEARER),
            (MAR, date(2026, 1, 2), LIST),
            (MAR, date(2026, 1, 29), LIST),
            (MAR, date(2026, 1, 30), DEARER),
        ],
    )
    def test_pinned_at_renewal_and_with_notice(self, second, start, expected):
        """The first day of the next term decides, and the day itself counts."""
        subscription = held(start=start)

        assert expected == catalogue(second).for_renewal(subscription).tariff

    # From 30 January 30 days end on 1 March, when the third edition is sold already.
    @pytest.mark.parametrize(
        ("second", "third", "expected"),
        [
            (AT_RENEWAL, AT_RENEWAL, DEAREST),
            (PINNED, AT_RENEWAL, DEAREST),
            (PINNED, PINNED, LIST),
            (AT_RENEWAL, PINNED, DEARER),
            (MAR, APR, DEARER),
            (APR, PINNED, LIST),
        ],
    )
    def test_the_latest_that_calls_is_taken(self, second, third, expected):
        """An edition that pins leaves standing what an earlier one has called for."""
        subscription = held(start=date(2026, 1, 30))

        assert expected == catalogue(second, third).for_renewal(subscription).tariff

    def test_who_holds_the_latest_keeps_it(self):
        """Nobody is moved back."""
        subscription = held(DEAREST, start=date(2026, 1, 30))

        assert DEAREST == catalogue(AT_RENEWAL, AT_RENEWAL).for_renewal(subscription).tariff

    def test_a_catalogue_that_ends_renews_nothing_after(self):
        """From the end of the last edition on there is none, not even for who holds it."""
        sold = Catalogue((Edition(SKYPE_CONNECT, LIST, date(2025, 1, 1), FEB),))

        assert LIST == sold.for_renewal(held(start=JAN)).tariff
        with pytest.raises(UnknownEdition, match="on 2026-02-01"):
            sold.for_renewal(held(start=date(2026, 1, 2)))

    def test_the_offer_may_move_too(self):
        """The edition brings the rules of the next term, and the plan under them."""
        monthly = offer("2026", term=TermRule(Months(1)))
        editions = (
            Edition(SKYPE_CONNECT, LIST, date(2025, 1, 1), FEB),
            Edition(monthly, DEARER, FEB),
        )
        subscription = held(start=date(2026, 1, 2))

        edition = Catalogue(editions).for_renewal(subscription)

        assert monthly.plan(channels=12, bundles=2) == edition.plan_for(subscription.plan)

    @pytest.mark.parametrize(
        ("second", "start", "expected"),
        [
            (AT_RENEWAL, date(2026, 1, 31), LIST),
            (AT_RENEWAL, FEB, DEARER),
            (PINNED, FEB, LIST),
            (MAR, date(2026, 2, 28), LIST),
            (MAR, date(2026, 3, 1), DEARER),
        ],
    )
    def test_a_term_that_begins_before_the_renewal(self, second, start, expected):
        """A change that buys anew comes under what a renewal on its day would."""
        subscription = held(start=date(2026, 1, 30))

        assert expected == catalogue(second).for_term(subscription, start).tariff


class TestCompare:
    """Two editions side by side."""

    OLD = Edition(SKYPE_CONNECT, LIST, date(2025, 1, 1), FEB)

    def test_rules_are_named_by_their_field(self):
        """Only what differs is named, in the order of the fields, and no names."""
        bundles = attrs.evolve(SKYPE_CONNECT.bundles, minutes=3000, rollover=Rollover(1))
        changed = offer(
            "2026",
            source="a letter",
            quantity=QuantityRule(1, 100),
            bundles=bundles,
            term=TermRule(Months(1), holding=Days(90)),
            change=ChangeRule(Days(2), fewer=Effect.NEXT_TERM),
            notices=(),
        )
        new = Edition(changed, LIST, FEB)

        assert [
            "offer.quantity.maximum: 300 -> 100",
            "offer.quantity.steps: above 100, multiples of 10 -> none",
            "offer.bundles.minutes: 5000 -> 3000",
            "offer.bundles.rollover: none -> unused minutes last for 1 more term",
            "offer.term.length: 30 days -> 1 month",
            "offer.term.holding: none -> 90 days",
            "offer.change.cooldown: 1 day -> 2 days",
            "offer.change.fewer: refunded and bought anew -> from the next term on",
            "offer.notices: Not a telephone replacement: it cannot call emergency numbers. (H21)"
            " -> none",
        ] == list(map(str, compare(self.OLD, new).rules))

    def test_a_rule_that_comes_or_goes_is_named_whole(self):
        """Where one of the two has no bundles at all, the other's rule is told."""
        new = Edition(offer("2026", bundles=None), LIST, FEB)

        assert [
            "offer.bundles: US minute bundle: 5,000 minutes to US, at most 1 for each channel"
            " -> none"
        ] == list(map(str, compare(self.OLD, new).rules))

    def test_prices_are_named_by_their_field(self):
        """Rates by their country; a price may become a ladder."""
        ladder = Ladder((Tier(10, unit="7"), Tier(None, unit="6")))
        before = attrs.evolve(LIST, rates={"DE": "0.02", "PL": "0.03"})
        after = attrs.evolve(
            before, name="2026", channel=ladder, rates={"PL": "0.025", "FR": "0.04"}, setup="5"
        )
        old = Edition(SKYPE_CONNECT, before, JAN, FEB)

        assert [
            "tariff.channel: 6.95 -> by volume: up to 10 at 7; above at 6",
            "tariff.rates.DE: 0.02 -> none",
            "tariff.rates.PL: 0.03 -> 0.025",
            "tariff.rates.FR: none -> 0.04",
            "tariff.setup: 0 -> 5",
        ] == list(map(str, compare(old, Edition(SKYPE_CONNECT, after, FEB)).rules))

    def test_the_first_price_of_its_kind_is_named_too(self):
        """Rates to a country where there were none at all, and the other way round."""
        old = Edition(SKYPE_CONNECT, LIST, JAN, FEB)
        rated = Edition(SKYPE_CONNECT, attrs.evolve(LIST, name="2026", rates={"PL": "0.1"}), FEB)

        assert ["tariff.rates.PL: none -> 0.1"] == list(map(str, compare(old, rated).rules))
        assert ["tariff.rates.PL: 0.1 -> none"] == list(map(str, compare(rated, old).rules))

    def test_a_rule_difference_is_one_plain_row(self):
        """The field, and both values as text."""

        assert [{"field": "tariff.channel", "old": "6.95", "new": "7.25"}] == RuleDifference(
            "tariff.channel", "6.95", "7.25"
        ).to_records()

    def test_each_subscription_has_its_prices(self):
        """12 channels cost 83.40 and then 87.00, so 3.60 more; fewer may cost less."""
        cheaper = attrs.evolve(DEARER, name="2026", bundle="4")
        channels, bundles = held(channels=12, bundles=0), held(id="s-2", channels=2, bundles=2)

        first, second = compare(
            self.OLD, Edition(SKYPE_CONNECT, cheaper, FEB), (channels, bundles)
        ).prices

        # 2 x 6.95 + 2 x 10 = 33.90; 2 x 7.25 + 2 x 4 = 22.50
        assert ["83.40", "87.00", "3.60"] == [
            str(amount.amount) for amount in (first.old, first.new, first.difference)
        ]
        assert ["33.90", "22.50", "-11.40"] == [
            str(amount.amount) for amount in (second.old, second.new, second.difference)
        ]

    # 30 days from 1 January end on 31 January, and then on 2 March and on 1 April.
    @pytest.mark.parametrize(
        ("existing", "expected"),
        [
            (PINNED, None),
            (AT_RENEWAL, date(2026, 3, 2)),
            (date(2026, 3, 2), date(2026, 3, 2)),
            (date(2026, 3, 3), APR),
        ],
    )
    def test_says_when_each_moves(self, existing, expected):
        """On the first renewal from the day on which the new edition calls; pinned, never."""
        new = Edition(SKYPE_CONNECT, DEARER, FEB, existing=existing)

        assert [expected] == [each.moves_on for each in compare(self.OLD, new, (held(),)).prices]

    def test_a_move_that_was_due_comes_with_the_next_renewal(self):
        """A renewal that is past, on the day the new edition came, is not told again."""
        new, old = Edition(SKYPE_CONNECT, DEARER, JAN), attrs.evolve(self.OLD, end=JAN)
        second = held(start=JAN, anchor=date(2025, 12, 2), number=1)
        (price,) = compare(old, new, (second,)).prices

        assert date(2026, 1, 31) == price.moves_on

    @pytest.mark.parametrize("status", [Status.CANCELLED, Status.LAPSED, Status.ENDED])
    def test_what_does_not_renew_itself_never_moves(self, status):
        """It ends with the edition that it holds."""
        new = Edition(SKYPE_CONNECT, DEARER, FEB)
        (price,) = compare(self.OLD, new, (held(status=status),)).prices

        assert price.moves_on is None

    def test_a_move_after_the_calendar_never_comes(self):
        """The last renewal that fits the calendar is before the day."""
        new = Edition(SKYPE_CONNECT, DEARER, FEB, existing=date.max)
        (price,) = compare(self.OLD, new, (held(),)).prices

        assert price.moves_on is None

    def test_what_holds_another_edition_is_left_out(self):
        """The comparison is about those who hold the old one."""
        new = Edition(SKYPE_CONNECT, DEARER, FEB)

        assert ["s-1"] == [
            each.subscription.id
            for each in compare(self.OLD, new, [held(), held(DEARER, id="s-2")]).prices
        ]

    def test_a_plan_that_waits_for_the_next_term_is_compared(self):
        """What will be renewed counts, and not what runs out."""
        waiting = held(pending=SKYPE_CONNECT.plan(channels=5))
        (price,) = compare(self.OLD, Edition(SKYPE_CONNECT, DEARER, FEB), (waiting,)).prices

        # 5 x 6.95 = 34.75; 5 x 7.25 = 36.25
        assert (Money.of("34.75", EUR), Money.of("36.25", EUR)) == (price.old, price.new)

    def test_a_plan_that_the_new_offer_lacks_says_so(self):
        """It has no new price, and the problem is told."""
        new = Edition(small(10), DEARER, FEB)
        (price,) = compare(self.OLD, new, (held(bundles=0),)).prices

        assert (None, None) == (price.new, price.difference)
        assert (
            "Skype Connect (small) has no plan of 12 channels; channels must be at least 1 and "
            "at most 10; 12 needs two profiles, 10 + 2; the nearest that it has is 10 channels"
            == price.problem
        )

    def test_prints_tables(self):
        """What differs, then who is concerned, then what cannot be moved."""
        new = Edition(small(10), DEARER, FEB)
        fits = held(id="s-2", profile="paris", channels=10, bundles=0)

        assert [
            "From Skype Connect (help page), tariff list to Skype Connect (small), tariff dearer",
            "rule                    old                         new",
            "----------------------  --------------------------  ----",
            "offer.quantity.maximum  300                         10",
            "offer.quantity.steps    above 100, multiples of 10  none",
            "tariff.channel          6.95                        7.25",
            "subscription  plan         from          old    new  difference",
            "------------  -----------  ----------  -----  -----  ----------",
            "s-1           12 channels  2026-03-02  83.40",
            "s-2           10 channels  2026-03-02  69.50  72.50       +3.00",
            "s-1: Skype Connect (small) has no plan of 12 channels; channels must be at least 1 "
            "and at most 10; 12 needs two profiles, 10 + 2; the nearest that it has is 10 channels",
        ] == str(compare(self.OLD, new, (held(bundles=0), fits))).split("\n")

    def test_prints_that_nothing_differs(self):
        """The same again changes nothing; nobody is concerned where nobody is named."""
        again = Edition(SKYPE_CONNECT, LIST, FEB)

        assert "No rule and no price differs." == str(compare(self.OLD, again)).split("\n")[1]

    def test_has_a_row_for_each_subscription(self):
        """Plain values, each amount in units and as a Decimal."""
        new = Edition(SKYPE_CONNECT, DEARER, FEB, existing=PINNED)

        assert [
            {
                "subscription": "s-1",
                "profile": "berlin",
                "channels": 12,
                "bundles": 2,
                "moves_on": None,
                "old_term": "30 days",
                "new_term": "30 days",
                "old_minor": 10340,
                "old": Decimal("103.40"),
                "new_minor": 10700,
                "new": Decimal("107.00"),
                "difference_minor": 360,
                "difference": Decimal("3.60"),
                "currency": "EUR",
                "problem": None,
            }
        ] == compare(self.OLD, new, (held(),)).to_records()

    def test_a_row_without_a_new_price(self):
        """Where there is none, the row says None, and why."""
        new = Edition(offer("bare", bundles=None), DEARER, FEB)
        (row,) = compare(self.OLD, new, (held(),)).to_records()

        assert [None] * 4 == [
            row[name] for name in ("new_minor", "new", "difference_minor", "difference")
        ]
        assert "has no bundles" in row["problem"]

    @pytest.mark.parametrize(
        ("existing", "expected"),
        [
            (AT_RENEWAL, "s-1, from 2026-03-02: 103.40 EUR -> 107.00 EUR, +3.60 EUR a term"),
            (PINNED, "s-1, which keeps its own: 103.40 EUR -> 107.00 EUR, +3.60 EUR a term"),
        ],
    )
    def test_a_price_difference_says_what_it_is(self, existing, expected):
        """The subscription, when it moves, and what a term costs more."""
        new = Edition(SKYPE_CONNECT, DEARER, FEB, existing=existing)
        (price,) = compare(self.OLD, new, (held(),)).prices

        assert expected == str(price)

    def test_prices_for_terms_of_other_lengths_are_not_subtracted(self):
        """2 x 6.95 a month and 2 x 60 a year are both told, with what they are for."""
        yearly = attrs.evolve(DEARER, name="yearly", channel="60")
        old = Edition(offer("monthly", term=TermRule(Months(1))), LIST, JAN)
        new = Edition(offer("yearly", term=TermRule(Months(12))), yearly, FEB)
        (price,) = compare(old, new, (held(channels=2, bundles=0, of=old.offer),)).prices

        assert None is price.difference
        assert "s-1, from 2026-02-01: 13.90 EUR for 1 month -> 120.00 EUR for 12 months" == str(
            price
        )
        (row,) = price.to_records()
        assert ("1 month", "12 months", None) == (
            row["old_term"],
            row["new_term"],
            row["difference_minor"],
        )

    def test_a_price_difference_without_a_price_says_why(self):
        """The problem stands in the place of the price."""
        plan = SKYPE_CONNECT.plan(channels=12)
        (price,) = compare(self.OLD, self.OLD, (held(),)).prices
        price = attrs.evolve(price, plan=plan, new=None, moves_on=MAR, problem="it is too large")

        assert "s-1, from 2026-03-01: it is too large" == str(price)

    def test_editions_in_two_currencies_are_not_compared(self):
        """There is no difference between euros and dollars."""
        dollars = attrs.evolve(LIST, name="dollars", currency=USD)
        with pytest.raises(CurrencyMismatch):
            compare(self.OLD, Edition(SKYPE_CONNECT, dollars, FEB))

    def test_is_shown_in_a_notebook_with_all_strings_escaped(self):
        """A name that is markup is shown as text."""
        bold = attrs.evolve(DEARER, name="<b>bold</b>")
        shown = compare(self.OLD, Edition(SKYPE_CONNECT, bold, FEB), (held(),))._repr_html_()

        assert "&lt;b&gt;bold" in shown
        assert "<b>" not in shown

    @pytest.mark.parametrize(
        ("parameter", "wrong"), [("old", LIST), ("new", None), ("subscriptions", 5)]
    )
    def test_wrong_types_are_named(self, parameter, wrong):
        """Each field refuses what it does not take, by its name."""
        comparison = Comparison(self.OLD, self.OLD)
        with pytest.raises(WrongType) as caught:
            attrs.evolve(comparison, **{parameter: wrong})

        assert parameter == caught.value.parameter
