"""Editions of an offer and its tariff, and the edition that a subscription gets."""

import pickle
from datetime import date, datetime
from textwrap import dedent

import attrs
import pytest
from tests.subscriptions.editions import (
    APR,
    AT_RENEWAL,
    BUNDLE_RULE,
    DEARER_TARIFF,
    DEAREST_TARIFF,
    FEB,
    JAN,
    LIST_TARIFF,
    MAR,
    PINNED,
    change_offer,
    offer_limited_to,
    subscribe,
)

from channelplans.calendar import Months
from channelplans.errors import (
    BundlesNotAllowed,
    ChannelsOutOfRange,
    CurrencyMismatch,
    InvalidValue,
    NotOffered,
    UnknownEdition,
    WrongType,
)
from channelplans.money import EUR, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.quantities import QuantityRule
from channelplans.rules import TermRule
from channelplans.subscriptions.catalogue import Catalogue, Edition


def build_catalogue(migration, march_migration=None):
    """Return a catalogue of two editions, or of three if `march_migration` is passed.

    The second edition starts in February with `migration`, and the third edition in March.
    """
    editions = [
        Edition(SKYPE_CONNECT, LIST_TARIFF, date(2025, 1, 1), FEB),
        Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB, MAR if march_migration else None, migration),
    ]
    if march_migration:
        editions.append(Edition(SKYPE_CONNECT, DEAREST_TARIFF, MAR, None, march_migration))
    return Catalogue(tuple(editions))


class TestEdition:
    """An offer and its tariff for a range of days."""

    def test_migrates_subscriptions_at_renewal_by_default(self):
        """By default, subscriptions of an earlier edition move at their next renewal."""

        assert AT_RENEWAL is Edition(SKYPE_CONNECT, LIST_TARIFF, JAN).migration

    @pytest.mark.parametrize(
        ("migration", "expected"), [(PINNED, None), (AT_RENEWAL, JAN), (MAR, MAR)]
    )
    def test_moves_from_depends_on_the_migration(self, migration, expected):
        """Renewals move to the edition never, from its start, or from the announced day on."""

        assert expected == Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, migration=migration).moves_from

    def test_contains_its_start_and_not_its_end(self):
        """An edition is half-open, like a term. An edition without an end has no last day."""
        january_edition = Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB)
        open_edition = Edition(SKYPE_CONNECT, LIST_TARIFF, JAN)
        days = (date(2025, 12, 31), JAN, date(2026, 1, 31), FEB)

        assert [False, True, True, False] == [day in january_edition for day in days]
        assert [False, True, True, True] == [day in open_edition for day in days]

    @pytest.mark.parametrize("end", [JAN, date(2025, 12, 31)])
    def test_refuses_an_end_on_or_before_the_start(self, end):
        """An edition is sold on at least one day."""
        with pytest.raises(InvalidValue, match="end must be after the start, 2026-01-01"):
            Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, end)

    def test_refuses_a_migration_before_the_start(self):
        """A migration can be on the edition's first day, but not before it."""
        Edition(SKYPE_CONNECT, LIST_TARIFF, FEB, migration=FEB)

        with pytest.raises(
            InvalidValue, match="migration must be on or after the start, 2026-02-01"
        ):
            Edition(SKYPE_CONNECT, LIST_TARIFF, FEB, migration=date(2026, 1, 31))

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("offer", "Skype Connect"),
            ("tariff", 5),
            ("start", "2026-01-01"),
            ("end", 5),
            ("migration", "pinned"),
            ("migration", None),
            ("migration", datetime(2026, 1, 1)),  # noqa: DTZ001 - any datetime is refused
        ],
    )
    def test_fields_refuse_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the field."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(Edition(SKYPE_CONNECT, LIST_TARIFF, JAN), **{parameter: value})

        assert parameter == caught.value.parameter

    def test_holds_subscriptions_with_its_offer_and_tariff(self):
        """A subscription with another tariff or another offer does not hold the edition."""
        edition = Edition(SKYPE_CONNECT, LIST_TARIFF, JAN)

        assert [True, False, False] == [
            edition.holds(subscribe()),
            edition.holds(subscribe(DEARER_TARIFF)),
            edition.holds(subscribe(offer=offer_limited_to(50))),
        ]

    def test_price_is_for_a_full_term(self):
        """12 channels at 6.95 and 2 bundles at 10 cost 83.40 + 20.00."""
        plan = SKYPE_CONNECT.plan(channels=12, bundles=2)

        assert Money.of("103.40", EUR) == Edition(SKYPE_CONNECT, LIST_TARIFF, JAN).price(plan)

    def test_price_refuses_a_bare_number(self):
        """`price` expects a plan, not a number of channels."""
        with pytest.raises(WrongType, match="plan"):
            Edition(SKYPE_CONNECT, LIST_TARIFF, JAN).price(12)  # type: ignore[arg-type]

    def test_prints_its_fields(self):
        """An edition prints its offer, tariff, days and migration."""
        edition = Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB, PINNED)

        assert (
            "'Skype Connect (help page)', tariff 'list', 2026-01-01 to 2026-02-01; "
            "migration: keep theirs" == str(edition)
        )

    def test_to_records_returns_one_plain_row(self):
        """The row names the offer, the tariff and the days."""

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
        ] == Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, migration=MAR).to_records()


class TestPlanFor:
    """A plan with the same channels and bundles under another edition's offer."""

    def test_keeps_channels_and_bundles(self):
        """The new plan has the old plan's numbers of channels and bundles."""
        monthly_offer = change_offer("new", term=TermRule(Months(1)))
        edition = Edition(monthly_offer, LIST_TARIFF, JAN)
        plan = edition.plan_for(SKYPE_CONNECT.plan(channels=12, bundles=2))

        assert monthly_offer.plan(channels=12, bundles=2) == plan

    def test_returns_a_plan_of_its_own_offer_unchanged(self):
        """A plan of the edition's own offer keeps its requested number."""
        plan = SKYPE_CONNECT.plan(channels=105)

        assert 105 == Edition(SKYPE_CONNECT, LIST_TARIFF, JAN).plan_for(plan).requested

    def test_keeps_the_granted_number_and_not_the_requested_one(self):
        """A plan of 100 granted channels keeps them, even if 105 were requested and are legal."""
        offer_without_steps = offer_limited_to(300)
        edition = Edition(offer_without_steps, LIST_TARIFF, JAN)
        plan = edition.plan_for(SKYPE_CONNECT.plan(channels=105))

        assert (100, 100) == (plan.channels, plan.requested)

    @pytest.mark.parametrize(
        ("new_offer", "channels", "bundles", "reason", "nearest"),
        [
            (offer_limited_to(50), 60, 2, "at most 50", (50, 2)),
            (offer_limited_to(50), 60, 60, "at most 50", (50, 50)),
            (offer_limited_to(60, multiple=20), 10, 2, "at least 20", (20, 2)),
            (offer_limited_to(60, multiple=20), 50, 45, "sold as 40", (40, 40)),
            (change_offer("bare", bundle=None), 12, 2, "has no bundles", (12, 0)),
            (
                change_offer("free", bundle=attrs.evolve(BUNDLE_RULE, per_channel=None)),
                305,
                306,
                "at most 300",
                (300, 306),
            ),
        ],
    )
    def test_refuses_an_illegal_plan_and_suggests_the_nearest(
        self, new_offer, channels, bundles, reason, nearest
    ):
        """The error states the violated rule of the new offer and the nearest legal plan."""
        bundle_rule = attrs.evolve(BUNDLE_RULE, per_channel=None)
        wide_offer = change_offer("wide", quantity=QuantityRule(1, 400), bundle=bundle_rule)
        plan = wide_offer.plan(channels=channels, bundles=bundles)
        edition = Edition(new_offer, LIST_TARIFF, JAN)
        nearest_plan = edition.nearest(plan)

        with pytest.raises(NotOffered, match=reason) as caught:
            edition.plan_for(plan)

        assert nearest == (nearest_plan.channels, nearest_plan.bundles)
        assert f"the nearest plan is {nearest_plan}" in str(caught.value)

    def test_error_names_the_plan_and_the_offer(self):
        """The error's fields are plain text, and its cause is the violated rule's error."""
        edition = Edition(offer_limited_to(50), LIST_TARIFF, JAN)
        with pytest.raises(NotOffered) as caught:
            edition.plan_for(SKYPE_CONNECT.plan(channels=60))

        assert ("plan of 60 channels", "Skype Connect (small)") == (
            caught.value.what,
            caught.value.offer,
        )
        assert isinstance(caught.value.__cause__, ChannelsOutOfRange)

    def test_error_names_illegal_bundles_as_its_cause(self):
        """The channels are legal under the new offer, but the bundles are not."""
        edition = Edition(change_offer("bare", bundle=None), LIST_TARIFF, JAN)
        with pytest.raises(NotOffered) as caught:
            edition.plan_for(SKYPE_CONNECT.plan(channels=12, bundles=2))

        assert isinstance(caught.value.__cause__, BundlesNotAllowed)

    @pytest.mark.parametrize("method", ["plan_for", "nearest"])
    def test_refuses_a_bare_number(self, method):
        """The method expects a plan, not a number of channels."""
        with pytest.raises(WrongType, match="plan"):
            getattr(Edition(SKYPE_CONNECT, LIST_TARIFF, JAN), method)(12)


class TestCatalogue:
    """Editions that follow one another without a gap."""

    def test_sorts_its_editions_by_day(self):
        """Editions may be passed in any order, as a tuple or a list."""
        first, second = build_catalogue(PINNED).editions

        assert Catalogue((first, second)) == Catalogue([second, first])

    def test_refuses_a_gap(self):
        """Each edition must start on the end date of the previous edition."""
        editions = (
            Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB),
            Edition(SKYPE_CONNECT, DEARER_TARIFF, MAR),
        )
        with pytest.raises(InvalidValue) as caught:
            Catalogue(editions)

        assert (
            "editions must be one after the other, each sold until the next edition starts, not "
            "with a gap between 'Skype Connect (help page)', tariff 'list', "
            "2026-01-01 to 2026-02-01 "
            "and 'Skype Connect (help page)', tariff 'dearer', from 2026-03-01 on"
            == str(caught.value)
        )

    @pytest.mark.parametrize("end", [None, date(2026, 2, 2), APR])
    def test_refuses_an_overlap(self, end):
        """No day has two editions, so an edition without an end must be the last one."""
        editions = (
            Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, end),
            Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB),
        )
        with pytest.raises(
            InvalidValue, match=r"an overlap between .*tariff 'list'.*tariff 'dearer'"
        ) as caught:
            Catalogue(editions)
        advice = "starts (pass end=date(2026, 2, 1) to the edition of tariff 'list'), not with"
        assert advice in str(caught.value)

    def test_refuses_two_editions_with_the_same_start(self):
        """Two editions that start on the same day overlap, and no end can help."""
        editions = (
            Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB),
            Edition(SKYPE_CONNECT, DEARER_TARIFF, JAN),
        )
        with pytest.raises(InvalidValue, match="edition starts, not with an overlap"):
            Catalogue(editions)

    def test_refuses_to_be_empty(self):
        """A catalogue has at least one edition."""
        with pytest.raises(InvalidValue, match="editions must be at least one edition"):
            Catalogue(())

    @pytest.mark.parametrize("value", [5, "list", (LIST_TARIFF,), None])
    def test_refuses_values_that_are_not_editions(self, value):
        """The error for a value of a wrong type names the parameter."""
        with pytest.raises(WrongType, match="editions"):
            Catalogue(value)

    def test_refuses_different_offers_with_the_same_name_and_edition(self):
        """An offer with other rules needs another edition name."""
        other_offer = change_offer("help page", term=TermRule(Months(1)))
        editions = (
            Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB),
            Edition(other_offer, LIST_TARIFF, FEB),
        )
        with pytest.raises(InvalidValue, match=r"called offer 'Skype Connect \(help page\)'"):
            Catalogue(editions)

    def test_refuses_different_tariffs_with_the_same_name(self):
        """A tariff with other prices needs another name."""
        other_tariff = attrs.evolve(LIST_TARIFF, channel="7")
        editions = (
            Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB),
            Edition(SKYPE_CONNECT, other_tariff, FEB),
        )
        with pytest.raises(InvalidValue, match="called tariff 'list'"):
            Catalogue(editions)

    def test_accepts_an_earlier_offer_and_tariff_again(self):
        """A later edition may use an earlier price again."""
        editions = (
            Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB),
            Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB, MAR),
            Edition(SKYPE_CONNECT, LIST_TARIFF, MAR),
        )

        assert LIST_TARIFF == Catalogue(editions).on(APR).tariff

    def test_refuses_two_currencies(self):
        """All editions have the same currency, because a renewal cannot change the currency."""
        dollars = attrs.evolve(LIST_TARIFF, name="dollars", currency=USD)
        editions = (
            Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB),
            Edition(SKYPE_CONNECT, dollars, FEB),
        )
        with pytest.raises(CurrencyMismatch):
            Catalogue(editions)

    def test_prints_a_table(self):
        """The table has a row for each edition. The last edition has no end."""
        table = """
        Editions, in the order of their days
        offer                      tariff   currency  from        until       migration
        -------------------------  -------  --------  ----------  ----------  ----------------
        Skype Connect (help page)  list     EUR       2025-01-01  2026-02-01  at their renewal
        Skype Connect (help page)  dearer   EUR       2026-02-01  2026-03-01  keep theirs
        Skype Connect (help page)  dearest  EUR       2026-03-01              from 2026-04-01
        """

        assert dedent(table).strip() == str(build_catalogue(PINNED, APR))

    def test_to_records_returns_a_row_for_each_edition(self):
        """The rows are in the order of the editions' days."""

        assert ["list", "dearer"] == [row["tariff"] for row in build_catalogue(PINNED).to_records()]


class TestOn:
    """The edition that is sold on a day."""

    def test_changes_on_the_first_day_of_the_next_edition(self):
        """The earlier edition is still sold on the day before."""
        catalogue = build_catalogue(PINNED)

        assert [LIST_TARIFF, DEARER_TARIFF] == [
            catalogue.on(day).tariff for day in (date(2026, 1, 31), FEB)
        ]

    def test_refuses_a_day_before_the_first_edition(self):
        """The error names the day and the catalogue's editions."""
        with pytest.raises(UnknownEdition) as caught:
            build_catalogue(PINNED).on(date(2024, 12, 31))

        assert (
            "the catalogue has no edition on 2024-12-31; it has: "
            "'Skype Connect (help page)', tariff 'list', 2025-01-01 to 2026-02-01; "
            "'Skype Connect (help page)', tariff 'dearer', from 2026-02-01 on" == str(caught.value)
        )

    def test_refuses_the_end_of_the_last_edition(self):
        """The end of the last edition is the first day without an edition."""
        catalogue = Catalogue((Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB),))

        assert LIST_TARIFF == catalogue.on(date(2026, 1, 31)).tariff
        with pytest.raises(UnknownEdition, match="on 2026-02-01"):
            catalogue.on(FEB)

    def test_refuses_a_datetime(self):
        """A datetime is refused, because its day depends on the time zone."""
        with pytest.raises(WrongType, match="day"):
            build_catalogue(PINNED).on(datetime(2026, 1, 1))  # noqa: DTZ001 - any datetime is refused

    def test_error_is_a_lookup_error_that_can_be_pickled(self):
        """A restored error has its code, its plain text and its list of known editions."""
        with pytest.raises(LookupError) as caught:
            build_catalogue(PINNED).on(date(2024, 12, 31))

        error = pickle.loads(pickle.dumps(caught.value))
        assert ("unknown-edition", "on 2024-12-31", 2) == (
            error.code,
            error.wanted,
            len(error.known),
        )


class TestHeldBy:
    """The edition that a subscription holds."""

    def test_finds_the_edition_by_offer_and_tariff(self):
        """The day of purchase does not matter, because new prices may be sold in advance."""
        subscription = subscribe(DEARER_TARIFF, start=JAN)

        assert DEARER_TARIFF == build_catalogue(PINNED).held_by(subscription).tariff

    def test_uses_the_terms_first_day_if_two_editions_match(self):
        """If two editions have the same offer and tariff, the term's first day decides."""
        editions = (
            Edition(SKYPE_CONNECT, LIST_TARIFF, date(2025, 1, 1), FEB),
            Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB, MAR),
            Edition(SKYPE_CONNECT, LIST_TARIFF, MAR),
        )
        catalogue = Catalogue(editions)
        starts = (JAN, date(2026, 2, 10), MAR)

        assert [0, 0, 2] == [
            editions.index(catalogue.held_by(subscribe(start=start))) for start in starts
        ]

    def test_refuses_a_subscription_without_an_edition(self):
        """The error names the subscription, its offer and its tariff."""
        private_tariff = attrs.evolve(LIST_TARIFF, name="private")
        with pytest.raises(UnknownEdition) as caught:
            build_catalogue(PINNED).held_by(subscribe(private_tariff))

        assert (
            "that subscription 's-1' holds, 'Skype Connect (help page)', tariff 'private'"
            == caught.value.wanted
        )

    def test_refuses_a_plan(self):
        """`held_by` expects a subscription, not a plan."""
        with pytest.raises(WrongType, match="subscription"):
            build_catalogue(PINNED).held_by(SKYPE_CONNECT.plan(channels=1))


class TestForRenewal:
    """The edition of a subscription's next term."""

    # 30 days from 2 January end on 1 February, and 30 days from 1 January on 31 January.
    @pytest.mark.parametrize(
        ("migration", "start", "expected"),
        [
            (PINNED, date(2026, 1, 2), LIST_TARIFF),
            (PINNED, date(2025, 12, 1), LIST_TARIFF),
            (AT_RENEWAL, JAN, LIST_TARIFF),
            (AT_RENEWAL, date(2026, 1, 2), DEARER_TARIFF),
            (MAR, date(2026, 1, 2), LIST_TARIFF),
            (MAR, date(2026, 1, 29), LIST_TARIFF),
            (MAR, date(2026, 1, 30), DEARER_TARIFF),
        ],
    )
    def test_applies_the_migration_to_the_next_terms_first_day(self, migration, start, expected):
        """A renewal moves if the next term starts on or after the migration's day."""
        subscription = subscribe(start=start)

        assert expected == build_catalogue(migration).for_renewal(subscription).tariff

    # 30 days from 30 January end on 1 March, when the third edition is already sold.
    @pytest.mark.parametrize(
        ("february_migration", "march_migration", "expected"),
        [
            (AT_RENEWAL, AT_RENEWAL, DEAREST_TARIFF),
            (PINNED, AT_RENEWAL, DEAREST_TARIFF),
            (PINNED, PINNED, LIST_TARIFF),
            (AT_RENEWAL, PINNED, DEARER_TARIFF),
            (MAR, APR, DEARER_TARIFF),
            (APR, PINNED, LIST_TARIFF),
        ],
    )
    def test_takes_the_latest_migration(self, february_migration, march_migration, expected):
        """A pinned edition is skipped; the migration of an edition before it still applies."""
        catalogue = build_catalogue(february_migration, march_migration)
        subscription = subscribe(start=date(2026, 1, 30))

        assert expected == catalogue.for_renewal(subscription).tariff

    def test_never_moves_to_an_earlier_edition(self):
        """A subscription that holds the latest edition keeps it."""
        subscription = subscribe(DEAREST_TARIFF, start=date(2026, 1, 30))

        assert (
            DEAREST_TARIFF
            == build_catalogue(AT_RENEWAL, AT_RENEWAL).for_renewal(subscription).tariff
        )

    def test_refuses_a_term_after_the_last_edition(self):
        """No term starts on or after the end of the last edition, even for its subscriptions."""
        catalogue = Catalogue((Edition(SKYPE_CONNECT, LIST_TARIFF, date(2025, 1, 1), FEB),))

        assert LIST_TARIFF == catalogue.for_renewal(subscribe(start=JAN)).tariff
        with pytest.raises(UnknownEdition, match="on 2026-02-01"):
            catalogue.for_renewal(subscribe(start=date(2026, 1, 2)))

    def test_may_move_to_another_offer(self):
        """The next term uses the new edition's offer, with a plan of that offer."""
        monthly_offer = change_offer("2026", term=TermRule(Months(1)))
        editions = (
            Edition(SKYPE_CONNECT, LIST_TARIFF, date(2025, 1, 1), FEB),
            Edition(monthly_offer, DEARER_TARIFF, FEB),
        )
        subscription = subscribe(start=date(2026, 1, 2))

        edition = Catalogue(editions).for_renewal(subscription)

        assert monthly_offer.plan(channels=12, bundles=2) == edition.plan_for(subscription.plan)

    @pytest.mark.parametrize(
        ("migration", "start", "expected"),
        [
            (AT_RENEWAL, date(2026, 1, 31), LIST_TARIFF),
            (AT_RENEWAL, FEB, DEARER_TARIFF),
            (PINNED, FEB, LIST_TARIFF),
            (MAR, date(2026, 2, 28), LIST_TARIFF),
            (MAR, date(2026, 3, 1), DEARER_TARIFF),
        ],
    )
    def test_for_term_treats_a_restart_like_a_renewal(self, migration, start, expected):
        """A change that restarts the term uses the edition that a renewal on that day would."""
        subscription = subscribe(start=date(2026, 1, 30))

        assert expected == build_catalogue(migration).for_term(subscription, start).tariff
