"""What a forecast says: text, rows, and values that do not fit together."""

import pickle
from datetime import date, timedelta

import attrs
import pytest

from channelplans.calendar import Months
from channelplans.errors import CurrencyMismatch, InvalidValue
from channelplans.explore import DailyCalls, Overdraft, forecast
from channelplans.money import EUR, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import TermRule
from channelplans.subscriptions.actions import buy, cancel
from channelplans.subscriptions.catalogue import Catalogue, Edition
from channelplans.subscriptions.wallets import Wallet
from channelplans.tariffs import Tariff

START = date(2026, 1, 5)
#: The ends of the first terms of 30 days.
ENDS = (date(2026, 2, 4), date(2026, 3, 6))
UNTIL = date(2026, 4, 1)
#: A channel costs 10 a term, a bundle 5; a minute to the US costs 0.50, one to DE 0.20.
TARIFF = Tariff("made up", EUR, channel="10", bundle="5", minute="0.5", rates={"DE": "0.2"})


def make(profile="berlin", channels=1, bundles=0, offer=SKYPE_CONNECT):
    """Return a new subscription of a profile."""
    return buy(
        offer.plan(channels=channels, bundles=bundles),
        TARIFF,
        account="acme",
        profile=profile,
        subscription=f"{profile} 1",
        on=START,
    ).after


def predict(*subscriptions, credit=None, until=UNTIL, prices=TARIFF, **more):
    """Return the forecast of subscriptions; of a wallet with some credit if one is passed."""
    balances = {} if credit is None else {Wallet("acme"): Money.of(credit, EUR)}
    return forecast(list(subscriptions), until=until, prices=prices, balances=balances, **more)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count": 0}, "count must be at least 1"),
        ({"duration": timedelta(-1)}, "duration"),
        ({"number": "x"}, "number"),
    ],
)
def test_daily_calls_refuse_what_is_no_call(fields, message):
    """The error names the field."""
    values = {"profile": "berlin", "destination": "US", "duration": timedelta(minutes=1)}
    with pytest.raises(InvalidValue, match=message):
        DailyCalls(**(values | fields))


def test_daily_calls_are_one_sentence():
    """It says who calls whom, and how long."""
    text = str(DailyCalls("berlin", "DE", timedelta(minutes=3), count=40))
    assert text == "40 calls a day of profile 'berlin' to 'DE', 0:03:00 each"


class TestDisplay:
    """Text, HTML and rows."""

    def test_text_says_until_when_the_credit_lasts(self):
        """First the sum and the credit, then a table."""
        result = predict(make(channels=3), credit="40")
        assert str(result).splitlines() == [
            "Forecast of account 'acme' from 2026-01-05 to 2026-04-01: 1 renewal, 30.00 EUR",
            "The balance is 40.00 EUR and is not enough from 2026-03-06 on. The renewal of profile "
            "'berlin' fails first. A deposit of 20.00 EUR on 2026-01-05 pays all charges of the "
            "account's wallet before 2026-04-01.",
            "What happens, day by day",
            "day         profile  result    plan        term                      amount  balance",
            "----------  -------  --------  ----------  ------------------------  ------  -------",
            "2026-02-04  berlin   renew     3 channels  2026-02-04 to 2026-03-06  -30.00    10.00",
            "2026-03-06  berlin   not paid  3 channels  2026-02-04 to 2026-03-06            10.00",
            "2026-03-07  berlin   lapse     3 channels  2026-02-04 to 2026-03-06            10.00",
        ]

    def test_text_of_enough_credit_says_so(self):
        """No profile is named."""
        text = str(predict(make(), credit="90"))
        assert "The balance is 90.00 EUR and is enough for the renewals." in text

    def test_text_without_a_balance_has_no_column_for_it(self):
        """It says how much credit is needed."""
        text = str(predict(make()))
        assert (
            "The balance is not known. Credit needed on 2026-01-05 for the renewals: 20.00 EUR."
            in text
        )
        assert "balance\n" not in text

    def test_text_of_a_renewal_that_fails_after_a_call_names_its_day(self):
        """A call of 5 January leaves the wallet below zero; the renewal fails in February."""
        daily = [DailyCalls("berlin", "US", timedelta(minutes=5010))]
        result = predict(make(bundles=1), credit="1", calls_per_day=daily, until=date(2026, 2, 5))
        assert "is not enough from 2026-01-05 on" in str(result)
        assert "The renewal of profile 'berlin' fails first on 2026-02-04." in str(result)

    def test_text_names_a_profile_whose_calls_cost_more_than_its_wallet_has(self):
        """No bundle covers calls to Germany: 2.00 a day are charged to the profile's wallet.

        The wallet has 3.00, so it is below zero from the second day on. The account has enough.
        """
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=10))]
        credit = {Wallet("acme"): Money.of(50, EUR), Wallet("acme", "berlin"): Money.of(3, EUR)}
        result = forecast(
            make(), until=date(2026, 2, 5), prices=TARIFF, balances=credit, calls_per_day=daily
        )
        first, enough, overdrawn, *_ = str(result).splitlines()
        assert first.endswith(": 1 renewal, 10.00 EUR; the profiles' own wallets pay 62.00 EUR")
        assert enough == "The balance is 50.00 EUR and is enough for the renewals."
        assert overdrawn == (
            "The calls cost 59.00 EUR more than the wallet of profile 'berlin' has: it is below "
            "zero from 2026-01-06 on, and at -59.00 EUR on 2026-02-04."
        )
        assert "The calls cost 59.00 EUR more than the wallet" in result._repr_html_()
        assert result.charged_to_profiles == Money.of(62, EUR)
        assert result.overdrafts == (
            Overdraft(
                Wallet("acme", "berlin"),
                date(2026, 1, 6),
                Money.of(59, EUR),
                date(2026, 2, 4),
            ),
        )

    def test_wallet_of_a_profile_that_pays_all_calls_is_not_named(self):
        """A wallet whose balance is not known is not named either."""
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=10))]
        rich = {Wallet("acme", "berlin"): Money.of(62, EUR)}
        for balances in ({}, rich):
            result = forecast(
                make(),
                until=date(2026, 2, 5),
                prices=TARIFF,
                balances=balances,
                calls_per_day=daily,
            )
            assert result.overdrafts == ()
            assert "more than the wallet" not in str(result)

    def test_many_overdrawn_wallets_are_counted_and_folded(self):
        """The text names five; a notebook can open the others."""
        names = [f"p {number}" for number in range(7)]
        daily = [DailyCalls(name, "DE", timedelta(minutes=10)) for name in names]
        credit = {Wallet("acme", name): Money.zero(EUR) for name in names}
        result = forecast(
            [make(name) for name in names],
            until=date(2026, 1, 6),
            prices=TARIFF,
            balances=credit,
            calls_per_day=daily,
        )
        assert str(result).count("The calls cost 2.00 EUR more") == 5
        assert "and 2 more overdrawn wallets; overdrafts has all" in str(result)
        assert "<summary>The next 2 overdrawn wallets</summary>" in result._repr_html_()
        assert result._repr_html_().count("The calls cost 2.00 EUR more") == 7

    def test_refused_call_of_a_profile_is_not_a_lack_of_the_account(self):
        """The account's balance is enough; the sentence names the day of the refused call."""
        calls = attrs.evolve(SKYPE_CONNECT.calls, may_overdraw=False)
        strict = attrs.evolve(SKYPE_CONNECT, edition="strict", calls=calls)
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=10))]
        credit = {Wallet("acme"): Money.of(50, EUR), Wallet("acme", "berlin"): Money.of(3, EUR)}
        result = forecast(
            make(offer=strict), until=UNTIL, prices=TARIFF, balances=credit, calls_per_day=daily
        )
        assert str(result).splitlines()[1] == (
            "The balance is 50.00 EUR and is enough for the renewals. The wallet of profile "
            "'berlin' cannot pay all calls of 2026-01-06."
        )

    def test_calls_of_a_term_are_one_row(self):
        """So the renewals can be seen; the rows keep the days.

        A call of 10 minutes to Germany costs the profile 2.00. The first row is that of the days
        from 5 January to 3 February, 30 days.
        """
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=10))]
        result = predict(make(), credit="50", until=ENDS[1], calls_per_day=daily)
        cells = [line.split("  ")[0] for line in str(result).splitlines()[2:]]
        assert cells == [
            "What happens, day by day; the calls of a term in one row",
            "day",
            "------------------------",
            "2026-01-05 to 2026-02-03",
            "2026-02-04",
            "2026-02-04 to 2026-03-05",
        ]
        assert str(result).count("calls; the profile pays 60.00 EUR") == 2
        assert len(result.to_records()) == 30 + 1 + 30

    def test_row_of_calls_has_the_sum_and_the_last_balance(self):
        """10 minutes more than the bundle has on 5 January, then 5,010 minutes, at 0.50 each."""
        daily = [DailyCalls("berlin", "US", timedelta(minutes=5010))]
        result = predict(
            make(bundles=1), credit="6000", until=date(2026, 1, 7), calls_per_day=daily
        )
        row = str(result).splitlines()[-1]
        assert row.startswith("2026-01-05 to 2026-01-06  berlin   calls")
        assert row.endswith("-2510.00  3490.00")
        assert "is enough for the renewals and the overage." in str(result)

    def test_long_forecast_shows_a_screen(self):
        """The first 20 entries, and how many more there are; a notebook can open these."""
        profiles = [make(f"profile {number:02}") for number in range(11)]
        result = predict(*profiles)
        text = str(result)
        assert len(text.splitlines()) == 2 + 3 + 20 + 1
        assert text.endswith("and 2 more rows; to_records() has all")
        assert result._repr_html_().count("<td") == 22 * 6
        one_more = predict(*profiles[:7], until=date(2026, 5, 5))
        assert str(one_more).endswith("and 1 more row; to_records() has all")

    def test_forecast_of_thousands_folds_a_thousand_rows(self):
        """A notebook stays fast, and says where the other rows are."""
        result = predict(make())
        many = attrs.evolve(result, entries=result.entries * 700)
        html = many._repr_html_()
        assert html.count("<tr>") == 2 + 20 + 1000
        assert "<summary>\u2026 and 1,380 more rows</summary>" in html
        assert html.endswith("<p>and 380 more rows; to_records() has all</p></details>")

    def test_many_problems_are_counted_and_folded(self):
        """The text shows five; a notebook can open 200 more."""
        catalogue = Catalogue((Edition(SKYPE_CONNECT, TARIFF, START, end=ENDS[0]),))
        result = predict(*(make(f"p {number:03}") for number in range(207)), prices=catalogue)
        problem = "Profile 'p 004' cannot be renewed on 2026-02-04: "
        visible, _, folded = result._repr_html_().partition("<details>")
        assert problem in str(result).splitlines()[6]
        assert str(result).splitlines()[7] == "and 202 more problems; problems has all"
        assert visible.count("cannot be renewed") == 5
        assert folded.count("cannot be renewed") == 200
        assert "<summary>The next 200 problems</summary>" in folded

    def test_forecast_ends_on_the_day_of_the_last_lapse(self):
        """It does not end while a profile is renewed, makes calls, or has no entry yet."""
        first, second = make(channels=1), make("munich", channels=3)
        daily = [DailyCalls("munich", "US", timedelta(minutes=1))]
        lapse = date(2026, 2, 5)
        assert predict(first, second, credit="5").ends_on == lapse
        assert predict(first, second, credit="15").ends_on == date(2026, 3, 7)
        assert predict(first, second, credit="100").ends_on is None
        assert predict(first, cancel(second, on=START).after, credit="5").ends_on == lapse
        assert predict(first, until=ENDS[0]).ends_on is None
        late = attrs.evolve(SKYPE_CONNECT, edition="year", term=TermRule(Months(12)))
        caller = make("munich", offer=late)
        assert predict(first, caller, credit="5", calls_per_day=daily).ends_on is None

    def test_empty_forecast_has_no_table(self):
        """Nothing is due before the day."""
        text = str(predict(make(), credit="5", until=ENDS[0]))
        assert text.splitlines()[0].endswith("0 renewals, 0.00 EUR")
        assert len(text.splitlines()) == 2

    def test_html_escapes_names(self):
        """A name cannot become a tag."""
        html = predict(make("<b>"), credit="0")._repr_html_()
        assert "<table>" in html
        assert "<b>" not in html

    def test_records_are_plain_rows(self):
        """One row for each entry, with the requested and the granted channels."""
        first, _ = predict(make(channels=105), credit="2000").to_records()
        assert first["day"] == ENDS[0]
        assert (first["requested"], first["granted"]) == (105, 100)
        assert (first["amount_minor"], first["balance_minor"]) == (-100000, 100000)
        assert first["error"] is None

    def test_entry_is_one_sentence(self):
        """It says what is missing."""
        _, failing, _ = predict(make(), credit="15").entries
        assert str(failing) == (
            "2026-03-06: not paid, profile 'berlin', 1 channel, 2026-02-04 to 2026-03-06; "
            "account 'acme' holds 5.00 EUR, but 10.00 EUR is needed; 5.00 EUR is missing"
        )
        assert str(predict(make(), credit="15").entries[0]) == (
            "2026-02-04: renew, profile 'berlin', 1 channel, 2026-02-04 to 2026-03-06, -10.00 EUR"
        )

    def test_forecast_can_be_pickled_and_compared(self):
        """Two forecasts with equal errors are equal."""
        result = predict(make(), credit="15")
        assert pickle.loads(pickle.dumps(result)) == result
        assert hash(result) == hash(predict(make(), credit="15"))

    def test_forecast_refuses_entries_of_other_days(self):
        """And an end that is not after the beginning."""
        result = predict(make(), credit="15")
        with pytest.raises(InvalidValue, match="entries must be from"):
            attrs.evolve(result, until=ENDS[0])
        with pytest.raises(InvalidValue, match="until must be after"):
            attrs.evolve(result, until=START)

    def test_forecast_refuses_amounts_in_other_currencies(self):
        """All amounts are in one currency."""
        result = predict(make(), credit="15")
        with pytest.raises(CurrencyMismatch):
            attrs.evolve(result, top_up=Money.of(1, USD))
        with pytest.raises(CurrencyMismatch):
            attrs.evolve(result, top_up=Money.of(1, USD), opening=None)
        dollars = Overdraft(Wallet("acme", "berlin"), START, Money.of(1, USD), UNTIL)
        with pytest.raises(CurrencyMismatch):
            attrs.evolve(result, overdrafts=(dollars,))
