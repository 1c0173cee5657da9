"""Tests of calls: how they are counted, which of them bundles cover, and what they cost."""

import copy
import pickle
from datetime import date, datetime, timedelta
from decimal import Decimal

import attrs
import pytest

from channelplans.allowances import Allowance
from channelplans.calls import (
    Call,
    Charge,
    Payer,
    RatedCall,
    billable,
    covered,
    longest_call,
    rate_call,
)
from channelplans.errors import (
    BarredNumber,
    CurrencyMismatch,
    InvalidValue,
    RuleError,
    UnknownRate,
    WrongType,
)
from channelplans.money import EUR, USD, Currency, Money, Rounding
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.rules import BundleRule, CallRule
from channelplans.tariffs import Rate, Tariff

DAY = date(2026, 1, 5)
US = BundleRule(
    "US minutes", 5000, ("US",), excluded_prefixes=("218632", "6057154"), trunk_prefix="1"
)


def seconds(count):
    """Return a duration in seconds."""
    return timedelta(seconds=count)


def call_of(duration=31, number="+12125550100", destination="US"):
    """Return a call that lasts a number of seconds."""
    return Call("c-1", number, destination, DAY, seconds(duration))


def bundle_of(offer):
    """Return the bundle rule of an offer that sells bundles."""
    assert offer.bundle is not None
    return offer.bundle


SKYPE_BUNDLE = bundle_of(SKYPE_CONNECT)
CONTRACT_BUNDLE = bundle_of(OFFERS["skype-connect-2011"])


def make_call(number="+12125550100", destination="US", duration=timedelta(seconds=31)):
    """Return a call on 5 January 2026."""
    return Call("c-1", number, destination, DAY, duration)


class TestCall:
    """The fields of a call and their checks."""

    def test_str_describes_the_call(self):
        """The text names the day, identifier, number, destination and duration."""

        assert "2026-01-05 call 'c-1' to +12125550100 ('US'), 0:00:31" == str(make_call())

    @pytest.mark.parametrize(
        "number", ["+1 212 555-0100", "001.212.555.0100", "1(212)5550100", "9"]
    )
    def test_number_may_contain_separators(self, number):
        """Spaces, points, dashes and parentheses are kept."""

        assert number == make_call(number).number

    @pytest.mark.parametrize("number", ["+", "++1", "x1", "1x", "tel:1", "+ 1", "1\u0661", "1/2"])
    def test_number_refuses_other_characters(self, number):
        """The error shows a valid number."""
        with pytest.raises(
            InvalidValue, match=r"number must be digits, such as '\+1 212 555 0100'"
        ):
            make_call(number)

    def test_number_may_begin_with_an_area_code_in_parentheses(self):
        """North American numbers are often written this way."""

        assert covered(make_call("(212) 555-0100"), US)

    @pytest.mark.parametrize("destination", ["US", "DE-mobile", "satellite", "840", "Österreich"])
    def test_destination_is_any_text(self, destination):
        """The area and the rates must use the same names."""

        assert destination == make_call(destination=destination).destination

    @pytest.mark.parametrize("destination", ["", " US", "U\nS"])
    def test_destination_is_one_line_of_text(self, destination):
        """The text has no space around it."""
        with pytest.raises(InvalidValue, match=r"^destination "):
            make_call(destination=destination)

    @pytest.mark.parametrize("duration", [timedelta(microseconds=-1), timedelta(days=-1)])
    def test_negative_duration_is_refused(self, duration):
        """A call cannot end before it begins."""
        with pytest.raises(InvalidValue, match="duration must be 0 s or longer"):
            make_call(duration=duration)

    @pytest.mark.parametrize("duration", [timedelta(0), timedelta(days=1)])
    def test_duration_may_be_zero_or_a_full_day(self, duration):
        """A call that nobody answered has a duration of zero."""

        assert duration == make_call(duration=duration).duration

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("id", 5),
            ("number", 12125550100),
            ("destination", None),
            ("day", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
            ("day", "2026-01-05"),
            ("duration", 31),
            ("duration", 31.0),
        ],
    )
    def test_wrong_types_are_refused(self, parameter, value):
        """The error names the field."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(make_call(), **{parameter: value})

        assert parameter == caught.value.parameter


class TestBillable:
    """A call counts for at least 30 s and is rounded up once to steps of 6 s (F 3.5, F 8.5)."""

    @pytest.mark.parametrize(
        ("duration", "counted"),
        [
            (0, 0),
            (1, 30),
            (29, 30),
            (30, 30),
            (31, 36),  # the example in F 8.5
            (36, 36),
            (37, 42),
            (60, 60),
            (61, 66),
            (3600, 3600),
            (86_400, 86_400),
            (86_401, 86_406),
        ],
    )
    def test_counts_the_minimum_and_then_full_steps(self, duration, counted):
        """The offer of the help page counts calls as published; an unanswered call counts 0."""
        assert seconds(counted) == billable(seconds(duration), SKYPE_CONNECT.calls)

    @pytest.mark.parametrize(("full_seconds", "counted"), [(30, 36), (36, 42), (0, 30)])
    def test_rounds_up_even_a_microsecond(self, full_seconds, counted):
        """A microsecond beyond a step counts as the next step."""
        duration = seconds(full_seconds) + timedelta(microseconds=1)

        assert seconds(counted) == billable(duration, CallRule())

    @pytest.mark.parametrize(
        ("minimum", "step", "duration", "counted"),
        [
            (60, 60, 61, 120),  # full minutes (F 3.6)
            (0, 1, 0.2, 1),
            (0, 6, 6, 6),
            (10, 7, 11, 17),  # steps are counted from the minimum, not from zero
            (10, 7, 18, 24),
        ],
    )
    def test_uses_the_minimum_and_the_step_of_the_rule(self, minimum, step, duration, counted):
        """Both are parameters of the rule."""
        rule = CallRule(seconds(minimum), seconds(step))

        assert seconds(counted) == billable(seconds(duration), rule)

    def test_refuses_a_duration_that_is_too_long_to_round_up(self):
        """The longest timedelta cannot be rounded up."""
        with pytest.raises(InvalidValue, match=r"^duration must be short enough"):
            billable(timedelta.max, CallRule())

    def test_refuses_a_negative_duration(self):
        """A duration is at least 0."""
        with pytest.raises(InvalidValue, match="duration"):
            billable(seconds(-1), CallRule())

    @pytest.mark.parametrize(
        ("duration", "rule", "parameter"),
        [(31, CallRule(), "duration"), (seconds(31), None, "rule")],
    )
    def test_refuses_wrong_types(self, duration, rule, parameter):
        """A number of seconds is not accepted as a duration."""
        with pytest.raises(WrongType) as caught:
            billable(duration, rule)

        assert parameter == caught.value.parameter


class TestCovered:
    """Whether a bundle covers a call, by its destination and its number."""

    @pytest.mark.parametrize(
        "number",
        [
            "+1 218 632 0100",
            "001 218 632 0100",
            "1 218 632 0100",
            "218 632 0100",
            "+1(218)632-0100",
        ],
    )
    @pytest.mark.parametrize(("exchange", "expected"), [("632", False), ("631", True)])
    def test_excluded_prefix_matches_every_way_to_write_a_number(self, number, exchange, expected):
        """A number is the same with +1, 001, the trunk prefix 1 or none of them (F 8.10)."""
        number = number.replace("632", exchange)

        assert expected is covered(make_call(number), US)

    @pytest.mark.parametrize(
        ("number", "expected"), [("+1 605 715 4000", False), ("+1 605 715 3000", True)]
    )
    def test_prefix_of_seven_digits_is_compared_as_a_whole(self, number, expected):
        """605 715 4 is excluded, and 605 715 3 is not."""

        assert expected is covered(make_call(number), US)

    @pytest.mark.parametrize("number", ["+1 911 218 6320", "+1 121 863 2010"])
    def test_prefix_is_compared_with_the_beginning_of_the_number(self, number):
        """Only one calling code is removed before the prefix is compared."""
        assert covered(make_call(number), US)

    @pytest.mark.parametrize("number", ["+00 1 218 632 0100", "+0 1 218 632 0100", "00001218632"])
    def test_zeros_before_a_calling_code_do_not_hide_a_prefix(self, number):
        """No calling code begins with 0, so zeros after + or 00 are dropped."""

        assert not covered(make_call(number), US)

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            ("+44 (0)909 555 0100", False),
            ("0044(0)909 555 0100", False),
            ("+(44) (0) 909 555 0100", False),
            ("+44-(0)-909 555 0100", False),
            ("0909 555 0100", False),
            ("(0909) 555 0100", False),
            ("909 555 0100", False),
            ("44 909 555 0100", True),
            ("+44 20 7946 (0)909", True),
            ("+44 0909 555 0100", True),
            ("+353 (0)909 555 0100", True),
        ],
    )
    def test_trunk_prefix_is_removed_from_national_numbers_only(self, number, expected):
        """A number with + or 00 loses its calling code, and a (0) right after it, instead."""
        rule = BundleRule(
            "pack", 100, ("GB",), excluded_prefixes=("9",), calling_code="44", trunk_prefix="0"
        )

        assert expected is covered(make_call(number, "GB"), rule)

    def test_area_may_have_a_part_of_a_country(self):
        """A bundle for landlines does not cover mobiles if the calls name them differently."""
        landlines = BundleRule("pack", 100, ("DE",), calling_code="49")
        both = attrs.evolve(landlines, area=("DE", "DE-mobile"))
        call = make_call("+49 151 555 0100", "DE-mobile")

        assert (False, True) == (covered(call, landlines), covered(call, both))

    @pytest.mark.parametrize(
        ("offer", "expected"),
        [
            (SKYPE_CONNECT, True),
            (attrs.evolve(SKYPE_CONNECT, bundle=None), False),
            (OFFERS["sipgate-packs"], False),
        ],
    )
    def test_offer_covers_what_its_bundle_covers(self, offer, expected):
        """An offer without bundles covers nothing."""

        assert expected is covered(make_call(), offer)

    @pytest.mark.parametrize(
        ("destination", "covered_by_help_page", "covered_by_contract"),
        [("US", True, True), ("CA", False, True), ("DE", False, False)],
    )
    def test_area_depends_on_the_offer(
        self, destination, covered_by_help_page, covered_by_contract
    ):
        """The help page covers the US, and the contract covers Canada too (F 8.2)."""
        call = make_call("+12125550100", destination)

        assert (covered_by_help_page, covered_by_contract) == (
            covered(call, SKYPE_BUNDLE),
            covered(call, CONTRACT_BUNDLE),
        )

    @pytest.mark.parametrize("number", ["+12186320100", "+19512623999", "+17605695555"])
    def test_only_the_contract_excludes_prefixes(self, number):
        """The numbers begin with the first, the last and a middle prefix of the 101 (F 8.10)."""

        assert (True, False) == (
            covered(make_call(number), SKYPE_BUNDLE),
            covered(make_call(number), CONTRACT_BUNDLE),
        )

    def test_removes_the_calling_code_of_the_bundle(self):
        """A bundle to Germany removes 49 before it compares the prefix."""
        rule = BundleRule("DE minutes", 100, ("DE",), excluded_prefixes=("180",), calling_code="49")

        assert [False, False, True] == [
            covered(make_call(number, "DE"), rule)
            for number in ("+49 180 123", "0049 180 123", "+49 30 180")
        ]

    @pytest.mark.parametrize(
        ("call", "rule", "parameter"), [("+1212", US, "call"), (make_call(), None, "rule")]
    )
    def test_refuses_wrong_types(self, call, rule, parameter):
        """A number is not a call, and None is not a rule."""
        with pytest.raises(WrongType) as caught:
            covered(call, rule)

        assert parameter == caught.value.parameter


@pytest.mark.parametrize("value", [make_call(), Allowance(seconds(3), seconds(1))])
@pytest.mark.parametrize(
    "copy_value",
    [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["copy", "deepcopy", "evolve", "pickle"],
)
def test_copies_are_equal(value, copy_value):
    """A copy equals the original value and has the same hash."""
    value_copy = copy_value(value)

    assert (value, hash(value)) == (value_copy, hash(value_copy))


def test_html_of_call_escapes_its_texts():
    """Markup in an identifier is shown as text in a notebook."""
    call = Call("<b>", "1", "US", DAY, seconds(1))

    assert (
        "<p>2026-01-05 call &#x27;&lt;b&gt;&#x27; to 1 (&#x27;US&#x27;), 0:00:01</p>"
        == call._repr_html_()
    )


# The euro with five decimals, so that a unit is a thousandth of a cent.
FINE_EUR = Currency("EUR", 5)


TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02", "PL": "1"})


NO_MINUTES = Allowance(timedelta(0))


NO_BUNDLES = attrs.evolve(SKYPE_CONNECT, bundle=None)


def euros(amount):
    """Return an amount in euros with cents."""
    return Money.of(amount, EUR)


def make_allowance(granted, used=0):
    """Return an allowance, given its granted and used minutes."""
    return Allowance(timedelta(minutes=granted), timedelta(minutes=used))


class TestRatedCall:
    """What a rated call and its charges refuse."""

    @pytest.mark.parametrize("part", ["included", "overage", "other"])
    def test_negative_part_is_refused(self, part):
        """No part of a call is shorter than nothing."""
        rated = RatedCall(call_of(60), seconds(60), seconds(0), seconds(0), ())

        with pytest.raises(InvalidValue, match=f"{part} must be 0 s or longer, not -0:00:01"):
            attrs.evolve(rated, **{part: seconds(-1)})

    def test_parts_that_do_not_fit_a_timedelta_are_refused(self):
        """Parts that are together longer than the longest timedelta have no counted length."""
        parts = (timedelta.max, seconds(0), timedelta.resolution)

        with pytest.raises(InvalidValue, match="together with included and overage") as caught:
            RatedCall(call_of(60), *parts, ())
        assert "other" == caught.value.parameter

    def test_charge_for_a_negative_duration_is_refused(self):
        """A charge is for a part of a call, which may be empty."""
        charge = Charge(seconds(0), Rate("0.021"), Money.of("0", EUR), Payer.ACCOUNT)

        with pytest.raises(InvalidValue, match="duration must be 0 s or longer"):
            attrs.evolve(charge, duration=seconds(-1))


class TestRateCall:
    """The minutes that a call uses, the charges for the other minutes, and who pays."""

    @pytest.mark.parametrize(
        ("currency", "cost"), [(EUR, "0.00 EUR"), (FINE_EUR, "0.00200 EUR")], ids=["cents", "fine"]
    )
    def test_charge_is_rounded_to_the_unit_of_the_currency(self, currency, cost):
        """30 s at 0.004 a minute cost 0.002, which is rounded to zero in cents."""
        tariff = Tariff("t", currency, 0, 0, 0, {"DE": "0.004"})
        rated = rate_call(call_of(30, destination="DE"), NO_MINUTES, tariff, offer=SKYPE_CONNECT)

        assert cost == str(rated.charges[0].amount)

    @pytest.mark.parametrize(("currency", "cost"), [(EUR, "0.01"), (FINE_EUR, "0.00910")])
    def test_call_is_charged_for_the_seconds_beyond_the_remaining_minutes(self, currency, cost):
        """31 s count as 36 s. If 10 s remain, 26 s are charged and not rounded up again."""
        ten_seconds_left = Allowance(timedelta(minutes=5000), timedelta(minutes=5000) - seconds(10))
        tariff = attrs.evolve(TARIFF, currency=currency)
        rated = rate_call(call_of(31), ten_seconds_left, tariff, offer=SKYPE_CONNECT)

        # 0.021 x 26/60 = 0.0091
        assert (seconds(10), seconds(26), seconds(0), seconds(36)) == (
            rated.included,
            rated.overage,
            rated.other,
            rated.counted,
        )
        assert (
            Charge(seconds(26), Rate("0.021"), Money.of(cost, currency), Payer.ACCOUNT),
        ) == rated.charges

    @pytest.mark.parametrize(
        ("minutes_left", "duration", "included"),
        [(5000, 60, 60), (1, 60, 60), (1, 54, 54), (0, 60, 0), (1, 61, 60)],
    )
    def test_call_uses_the_remaining_minutes_first(self, minutes_left, duration, included):
        """If enough minutes remain, nothing is charged."""
        allowance = make_allowance(5000, 5000 - minutes_left)
        rated = rate_call(call_of(duration), allowance, TARIFF, offer=SKYPE_CONNECT)

        assert (seconds(included), included < duration) == (rated.included, bool(rated.charges))

    @pytest.mark.parametrize(
        ("call", "allowance", "offer", "payer", "included"),
        [
            # Overage: a bundle covers the call, but all of its minutes are used (H13).
            (call_of(60), make_allowance(5000, 5000), SKYPE_CONNECT, Payer.ACCOUNT, 0),
            # A destination that no bundle covers (F 7.3).
            (
                call_of(60, destination="DE"),
                make_allowance(5000),
                SKYPE_CONNECT,
                Payer.PROFILE,
                0,
            ),
            # The plan has no bundle.
            (call_of(60), NO_MINUTES, SKYPE_CONNECT, Payer.PROFILE, 0),
            # The offer has no bundles.
            (call_of(60, destination="PL"), NO_MINUTES, NO_BUNDLES, Payer.PROFILE, 0),
            # The contract excludes this prefix (F 8.10); the help page's offer does not.
            (
                call_of(60, "+1 218 632 0100"),
                make_allowance(5000),
                OFFERS["skype-connect-2011"],
                Payer.PROFILE,
                0,
            ),
            (call_of(60, "+1 218 632 0100"), make_allowance(5000), SKYPE_CONNECT, None, 60),
            # Only the contract's area includes Canada (F 8.2).
            (
                call_of(60, destination="CA"),
                make_allowance(5000),
                OFFERS["skype-connect-2011"],
                None,
                60,
            ),
        ],
    )
    def test_account_pays_overage_and_profile_pays_other_charges(
        self, call, allowance, offer, payer, included
    ):
        """Nobody pays for included minutes."""
        expected_payers = [payer] if payer else []
        rated = rate_call(call, allowance, TARIFF, offer=offer)

        assert (expected_payers, seconds(included)) == (
            [charge.payer for charge in rated.charges],
            rated.included,
        )
        assert (payer is Payer.PROFILE, payer is Payer.ACCOUNT) == (
            bool(rated.other),
            bool(rated.overage),
        )

    @pytest.mark.parametrize(
        "number", ["+12186320100", "0012186320100", "12186320100", "2186320100"]
    )
    def test_call_to_an_excluded_prefix_costs_the_standard_rate(self, number):
        """The area's rate applies to every way to write the number (F 8.10)."""
        rated = rate_call(
            call_of(60, number), make_allowance(5000), TARIFF, offer=OFFERS["skype-connect-2011"]
        )

        # 0.021 for a minute is 2.1 cents
        assert [("0.02", Payer.PROFILE)] == [
            (str(charge.amount.amount), charge.payer) for charge in rated.charges
        ]

    @pytest.mark.parametrize(
        ("hours", "included", "costs"),
        [
            (12, 12, []),
            (13, 12, ["1.26"]),  # 60 x 0.021
            (24, 12, ["15.12"]),  # 720 x 0.021
        ],
    )
    def test_contract_includes_at_most_twelve_hours_of_a_call(self, hours, included, costs):
        """The rest of the call is overage, even if minutes remain (F 8.6)."""
        call = call_of(3600 * hours)
        rated = rate_call(call, make_allowance(5000), TARIFF, offer=OFFERS["skype-connect-2011"])

        assert (timedelta(hours=included), costs) == (
            rated.included,
            [str(charge.amount.amount) for charge in rated.charges],
        )

    def test_help_page_has_no_limit_for_a_single_call(self):
        """A call of 24 hours is included in full."""
        rated = rate_call(call_of(86_400), make_allowance(5000), TARIFF, offer=SKYPE_CONNECT)

        assert (timedelta(days=1), ()) == (rated.included, rated.charges)

    def test_contract_includes_no_more_than_the_remaining_minutes(self):
        """If one hour remains, one hour of a longer call is included."""
        rated = rate_call(
            call_of(86_400),
            make_allowance(5000, 4940),
            TARIFF,
            offer=OFFERS["skype-connect-2011"],
        )

        assert timedelta(hours=1) == rated.included

    def test_unanswered_call_is_free(self):
        """A call of zero seconds counts no time, uses no minutes and has no charge."""
        rated = rate_call(call_of(0), NO_MINUTES, TARIFF, offer=SKYPE_CONNECT)

        assert (timedelta(0), timedelta(0), ()) == (rated.counted, rated.other, rated.charges)

    @pytest.mark.parametrize(
        ("rounding", "cents"),
        [(Rounding.DOWN, 0), (Rounding.UP, 1), (Rounding.HALF_UP, 1), (Rounding.HALF_EVEN, 0)],
    )
    def test_charge_is_rounded_as_the_call_rule_says(self, rounding, cents):
        """30 s at 0.01 a minute cost half a cent."""
        offer = attrs.evolve(SKYPE_CONNECT, calls=CallRule(rounding=rounding))
        tariff = Tariff("t", EUR, 0, 0, 0, {"DE": "0.01"})

        (charge,) = rate_call(
            call_of(30, destination="DE"), NO_MINUTES, tariff, offer=offer
        ).charges

        assert cents == charge.amount.minor

    def test_country_without_a_rate_is_refused(self):
        """The error is raised even for a call of zero seconds."""
        with pytest.raises(UnknownRate, match="no rate for calls to 'FR'"):
            rate_call(call_of(0, destination="FR"), NO_MINUTES, TARIFF, offer=SKYPE_CONNECT)

    def test_str_describes_the_rated_call(self):
        """The text names the counted time, the included time, and each charge with its payer."""
        rated = rate_call(call_of(31), make_allowance(5000, 5000), TARIFF, offer=SKYPE_CONNECT)

        # 0.021 x 36/60 = 0.0126
        assert [
            "2026-01-05 call 'c-1' to +12125550100 ('US'), 0:00:31: "
            "0:00:36 counted, 0:00:00 included",
            "0:00:36 at 0.021 EUR a minute: 0.01 EUR, paid by the account",
        ] == str(rated).split("\n")

    def test_to_records_returns_a_row_for_each_charge(self):
        """A call without a charge has one row with an amount of zero."""
        charged = rate_call(call_of(31), make_allowance(5000, 5000), TARIFF, offer=SKYPE_CONNECT)
        included = rate_call(call_of(31), make_allowance(5000), TARIFF, offer=SKYPE_CONNECT)
        common_fields = {
            "call": "c-1",
            "on": DAY,
            "number": "+12125550100",
            "destination": "US",
            "seconds": 36.0,
        }

        assert [
            {
                **common_fields,
                "included_seconds": 0.0,
                "payer": "account",
                "per_minute": Decimal("0.021"),
                "connection": Decimal(0),
                "minimum_charge": Decimal(0),
                "minor": 1,
                "amount": Decimal("0.01"),
                "currency": "EUR",
            }
        ] == charged.to_records()
        assert [
            {
                **common_fields,
                "included_seconds": 36.0,
                "payer": None,
                "per_minute": None,
                "connection": None,
                "minimum_charge": None,
                "minor": 0,
                "amount": Decimal(0),
                "currency": None,
            }
        ] == included.to_records()

    @pytest.mark.parametrize("parameter", ["call", "allowance", "tariff", "offer"])
    def test_wrong_types_are_refused(self, parameter):
        """The error names the parameter."""
        arguments = {
            "call": call_of(),
            "allowance": NO_MINUTES,
            "tariff": TARIFF,
            "offer": SKYPE_CONNECT,
            parameter: "wrong",
        }

        with pytest.raises(WrongType) as caught:
            rate_call(**arguments)

        assert parameter == caught.value.parameter


def longest_second_of(call, rate, credit, *, allowance=NO_MINUTES, offer=NO_BUNDLES):
    """Return the longest call at a rate in seconds, if both wallets have the credit."""
    tariff = Tariff("t", EUR, 0, minute=0, rates={call.destination: rate})
    longest = longest_call(
        call, allowance, tariff, offer=offer, account=euros(credit), profile=euros(credit)
    )
    return longest.total_seconds()


def cost_of(call, rate, *, allowance=NO_MINUTES, offer=NO_BUNDLES, currency=EUR):
    """Return the charge of a call at a rate; None if it has none."""
    tariff = Tariff("t", currency, 0, rates={call.destination: rate})
    charges = rate_call(call, allowance, tariff, offer=offer).charges
    return str(charges[0].amount.amount) if charges else None


BY_SECONDS = CallRule(seconds(0), seconds(1), Rounding.UP)


class TestRatesOfCalls:
    """Connection fees, minimum charges and a rate's own counting rule."""

    @pytest.mark.parametrize(
        ("rate", "duration", "cost"),
        [
            (Rate("0.05", connection="0.15", counting=BY_SECONDS), 24, "0.17"),
            (Rate("0.05", minimum_charge="0.60", counting=BY_SECONDS), 24, "0.60"),
            (Rate("0.60", minimum_charge="0.60", counting=BY_SECONDS), 90, "0.90"),
            (Rate("0.05", connection="0.15", minimum_charge="0.16"), 24, "0.18"),  # 30 s
            (Rate(0, connection="0.004"), 24, "0.00"),
            (Rate("0.012", connection="0.004"), 15, "0.01"),  # 0.006 + 0.004, rounded once
            (Rate("0.05", connection="0.15"), 0, None),
        ],
    )
    def test_charge_is_the_larger_of_the_sum_and_the_minimum(self, rate, duration, cost):
        """The sum of connection fee and minutes is rounded once; an unanswered call is free."""

        assert cost == cost_of(call_of(duration, destination="DE"), rate)

    def test_charge_below_the_unit_is_rounded_with_the_fee(self):
        """0.0045 for the minutes and 0.0005 for the connection are half a cent together."""
        rate = Rate("0.009", connection="0.0005")

        assert "0.01" == cost_of(call_of(30, destination="DE"), rate)

    @pytest.mark.parametrize(
        ("minutes_left", "cost"), [(2, None), (1, "0.40"), (0, "0.40"), (None, "0.40")]
    )
    def test_call_inside_the_allowance_costs_nothing(self, minutes_left, cost):
        """A connection fee and a minimum charge apply only if a part of the call is charged."""
        allowance = NO_MINUTES if minutes_left is None else make_allowance(10, 10 - minutes_left)
        rate = Rate("0.01", connection="0.10", minimum_charge="0.40")

        assert cost == cost_of(call_of(120), rate, allowance=allowance, offer=SKYPE_CONNECT)

    def test_rate_with_its_own_rule_counts_the_whole_call(self):
        """The included part is counted by the rate's rule too, and charged once."""
        by_minutes = CallRule(timedelta(minutes=1), timedelta(minutes=1), Rounding.UP)
        tariff = Tariff("t", EUR, 0, rates={"US": Rate("0.011", counting=by_minutes)})
        rated = rate_call(call_of(61), make_allowance(10, 9), tariff, offer=SKYPE_CONNECT)

        assert (seconds(60), seconds(60)) == (rated.included, rated.overage)
        assert ["0.02"] == [str(charge.amount.amount) for charge in rated.charges]

    def test_rate_of_a_prefix_applies_to_the_dialled_number(self):
        """A national number inside the area is completed with the calling code."""
        tariff = Tariff("t", EUR, 0, minute="0.01", rates={"1907": "1"})
        costs = [
            rate_call(call_of(60, number), NO_MINUTES, tariff, offer=SKYPE_CONNECT).charges[0]
            for number in ("+1 907 555 0100", "1 907 555 0100", "907 555 0100", "+1 212 555 0100")
        ]

        assert ["1", "1", "1", "0.01"] == [str(charge.rate.minute) for charge in costs]

    def test_text_and_records_show_the_prices_of_the_rate(self):
        """The connection fee and the minimum charge stand beside the price of a minute."""
        tariff = Tariff("t", EUR, 0, rates={"DE": Rate("0.02", "0.05", "0.1", BY_SECONDS)})
        rated = rate_call(call_of(destination="DE"), NO_MINUTES, tariff, offer=SKYPE_CONNECT)
        (row,) = rated.to_records()

        assert (
            "0:00:31 at 0.02 EUR a minute, 0.05 EUR for the connection, at least 0.1 EUR: "
            "0.10 EUR, paid by the profile"
        ) == str(rated.charges[0])
        assert (Decimal("0.02"), Decimal("0.05"), Decimal("0.1")) == (
            row["per_minute"],
            row["connection"],
            row["minimum_charge"],
        )

    @pytest.mark.parametrize(
        ("rate", "credit", "expected"),
        [
            (Rate("0.05", connection="0.15", counting=BY_SECONDS), "0.16", 12),
            (Rate("0.05", connection="0.15", counting=BY_SECONDS), "0.15", 0),
            (Rate("0.05", connection="0.15", counting=BY_SECONDS), "0.10", 0),
            (Rate("0.60", minimum_charge="0.60", counting=BY_SECONDS), "0.59", 0),
            (Rate("0.60", minimum_charge="0.60", counting=BY_SECONDS), "0.60", 60),
            (Rate("0.60", minimum_charge="0.60", counting=BY_SECONDS), "0.61", 61),
            (Rate("0.60", counting=CallRule(seconds(60), seconds(60))), "1.19", 60),
            (Rate("0.60", counting=CallRule(seconds(60), seconds(60))), "1.20", 120),
        ],
    )
    def test_longest_call_pays_fees_and_uses_the_rates_rule(self, rate, credit, expected):
        """The longest counted length whose charge the credit covers."""

        assert expected == longest_second_of(call_of(destination="DE"), rate, credit)

    @pytest.mark.parametrize(("credit", "expected"), [("0.09", 60), ("0.10", 60), ("0.11", 66)])
    def test_longest_call_adds_the_fee_after_the_minutes_left(self, credit, expected):
        """One minute is left. The next step costs the connection fee and 6 s at 0.10."""
        rate = Rate("0.10", connection="0.10")

        assert expected == longest_second_of(
            call_of(), rate, credit, allowance=make_allowance(10, 9), offer=SKYPE_CONNECT
        )


class TestBarredNumbers:
    """Numbers that the service cannot call (H21)."""

    @pytest.mark.parametrize("number", ["112", "911", "999", "9-1-1", "+112", "(9)11"])
    @pytest.mark.parametrize("allowance", [NO_MINUTES, make_allowance(10)])
    def test_emergency_numbers_are_not_rated(self, number, allowance):
        """A call to an emergency number has no rate and no longest length."""
        call, credit = call_of(number=number), euros("5")
        with pytest.raises(BarredNumber) as caught:
            rate_call(call, allowance, TARIFF, offer=SKYPE_CONNECT)
        with pytest.raises(BarredNumber):
            longest_call(
                call, allowance, TARIFF, offer=SKYPE_CONNECT, account=credit, profile=credit
            )

        assert isinstance(caught.value, RuleError)
        assert (number.strip("+").translate({45: "", 40: "", 41: ""}), "Skype Connect") == (
            caught.value.number,
            caught.value.offer,
        )

    def test_emergency_number_is_not_covered(self):
        """The offer knows its barred numbers; its bundle rule alone does not."""
        with pytest.raises(BarredNumber, match=r"'Skype Connect' cannot call '112': .* \(H21\)"):
            covered(call_of(number="112"), SKYPE_CONNECT)

    @pytest.mark.parametrize("number", ["1120", "0112", "+1 911", "91", "1 911 555 0100"])
    def test_only_exactly_the_barred_digits_are_refused(self, number):
        """A number that contains a barred number can be called."""

        assert covered(call_of(number=number), SKYPE_CONNECT)
        assert rate_call(call_of(number=number), NO_MINUTES, TARIFF, offer=SKYPE_CONNECT).charges

    def test_barred_number_is_refused_before_its_missing_rate(self):
        """The error names the real reason."""
        with pytest.raises(BarredNumber):
            rate_call(
                call_of(number="112", destination="FR"), NO_MINUTES, TARIFF, offer=SKYPE_CONNECT
            )

    def test_other_offers_bar_no_number(self):
        """Their sources do not mention emergency numbers."""
        bars = {key for key, offer in OFFERS.items() if offer.calls.barred_numbers}

        assert {"skype-connect", "skype-connect-nearest", "skype-connect-2011"} == bars


class TestLongestCall:
    """The longest duration of a call that the minutes and the credit can pay."""

    @staticmethod
    def longest_seconds(
        call, allowance, *, account="0", profile="0", tariff=TARIFF, offer=SKYPE_CONNECT
    ):
        """Return the longest duration in seconds, given the balances in the tariff's currency."""
        duration = longest_call(
            call,
            allowance,
            tariff,
            offer=offer,
            account=Money.of(account, tariff.currency),
            profile=Money.of(profile, tariff.currency),
        )
        return duration.total_seconds()

    @pytest.mark.parametrize(
        ("profile", "expected"),
        [
            # At 0.021 a minute, a second costs 0.035 cents.
            ("0.10", 294),  # 300 s cost 10.5 cents, which is rounded up to 11
            ("0.11", 324),  # 330 s cost 11.55 cents
            ("0.01", 42),  # 42 s cost 1.47 cents, and 48 s cost 1.68
            ("0", 0),
        ],
    )
    def test_call_ends_when_the_profile_cannot_pay(self, profile, expected):
        """Without minutes the profile pays, so the account's credit has no effect."""

        assert expected == self.longest_seconds(
            call_of(), NO_MINUTES, profile=profile, account="99"
        )

    @pytest.mark.parametrize(
        ("currency", "expected"),
        # 12 s more cost 0.42 cents, which is rounded to 0. With five decimals 6 s cost 0.00210.
        [(EUR, 72), (FINE_EUR, 60)],
    )
    def test_call_uses_the_remaining_minutes_without_credit(self, currency, expected):
        """One minute remains, and only the profile, which does not pay overage, has credit."""
        tariff = attrs.evolve(TARIFF, currency=currency)

        assert expected == self.longest_seconds(
            call_of(), make_allowance(5000, 4999), tariff=tariff, profile="99"
        )

    def test_account_pays_after_the_remaining_minutes(self):
        """One minute remains, and two cents pay for 66 s more."""
        # 66 s cost 2.31 cents, and 72 s cost 2.52.
        duration = self.longest_seconds(call_of(), make_allowance(5000, 4999), account="0.02")

        assert 60 + 66 == duration

    def test_duration_of_the_call_is_ignored(self):
        """A switch asks for the longest duration when the call begins."""
        assert self.longest_seconds(call_of(0), NO_MINUTES, profile="0.10") == self.longest_seconds(
            call_of(86_400), NO_MINUTES, profile="0.10"
        )

    @pytest.mark.parametrize(("profile", "expected"), [("0.49", 0), ("0.50", 30), ("0.59", 30)])
    def test_call_is_impossible_if_the_minimum_cannot_be_paid(self, profile, expected):
        """At 1.00 a minute, the minimum of 30 s costs 0.50, and 36 s cost 0.60."""

        assert expected == self.longest_seconds(
            call_of(destination="PL"), NO_MINUTES, profile=profile
        )

    def test_rule_may_have_no_minimum(self):
        """With steps of one second, 0.05 pays for three seconds at 1.00 a minute."""
        offer = attrs.evolve(SKYPE_CONNECT, calls=CallRule(timedelta(0), seconds(1)))

        assert 3 == self.longest_seconds(
            call_of(destination="PL"), NO_MINUTES, profile="0.05", offer=offer
        )
        assert 0 == self.longest_seconds(
            call_of(destination="PL"), NO_MINUTES, profile="0", offer=offer
        )

    def test_free_call_may_last_a_hundred_years(self):
        """The result for a call without a limit is 36,500 days."""
        tariff = Tariff("free", EUR, 0, 0, 0)

        assert timedelta(days=36_500).total_seconds() == self.longest_seconds(
            call_of(), NO_MINUTES, tariff=tariff
        )

    def test_contract_includes_twelve_hours_without_credit(self):
        """After twelve hours the account pays, but 12 s cost 0.42 cents, rounded to 0 (F 8.6)."""
        duration = self.longest_seconds(
            call_of(), make_allowance(5000), offer=OFFERS["skype-connect-2011"], profile="99"
        )

        assert 12 * 3600 + 12 == duration

    def test_negative_balance_pays_for_included_minutes_only(self):
        """A call that costs nothing is possible even if the balance is below zero."""

        assert (0, 72) == (
            self.longest_seconds(call_of(), NO_MINUTES, profile="-5"),
            self.longest_seconds(call_of(), make_allowance(5000, 4999), account="-5"),
        )

    @pytest.mark.parametrize("wallet", ["account", "profile"])
    @pytest.mark.parametrize("allowance", [NO_MINUTES, make_allowance(5000)])
    def test_balance_in_another_currency_is_refused(self, wallet, allowance):
        """Both balances are checked, whichever wallet would pay."""
        balances = {
            "account": euros("1"),
            "profile": euros("1"),
            wallet: Money(minor=1, currency=USD),
        }

        with pytest.raises(CurrencyMismatch, match=r"EUR.*USD"):
            longest_call(call_of(), allowance, TARIFF, offer=SKYPE_CONNECT, **balances)

    def test_country_without_a_rate_is_refused(self):
        """Without a price the longest duration is unknown."""
        with pytest.raises(UnknownRate):
            self.longest_seconds(call_of(destination="FR"), NO_MINUTES)

    @pytest.mark.parametrize(
        "parameter", ["call", "allowance", "tariff", "offer", "account", "profile"]
    )
    def test_wrong_types_are_refused(self, parameter):
        """The error names the parameter."""
        arguments = {
            "call": call_of(),
            "allowance": NO_MINUTES,
            "tariff": TARIFF,
            "offer": SKYPE_CONNECT,
            "account": euros("1"),
            "profile": euros("1"),
            parameter: 5,
        }

        with pytest.raises(WrongType) as caught:
            longest_call(**arguments)

        assert parameter == caught.value.parameter
