"""The charts draw the library's figures, name their units, and draw on nothing else."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.explore.test_comparison import in_ladder

pytest.importorskip(
    "matplotlib", reason='the charts need matplotlib: run  pip install "channelplans[charts]"'
)
import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.dates import num2date
from matplotlib.figure import Figure

from channelplans.allowances import Allowance
from channelplans.erlang import erlang_b
from channelplans.errors import (
    AllowanceNeeded,
    ChannelsOutOfRange,
    InvalidValue,
    NotOffered,
    WrongType,
)
from channelplans.explore import (
    CallInterval,
    DailyCalls,
    Need,
    Product,
    charts,
    compare_plans,
    forecast,
    measure_traffic,
)
from channelplans.explore.plan_options import PlanComparison
from channelplans.money import EUR, USD, Money
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.pricing import quote
from channelplans.rules import BundleRule, RefundBasis, RefundRule
from channelplans.sizing import GUIDELINES, suggest_channels
from channelplans.subscriptions import Wallet, buy
from channelplans.tariffs import Tariff, Tier

mpl.use("agg")

DAY = date(2026, 1, 5)
TARIFF = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
PAID = quote(SKYPE_CONNECT.plan(channels=12), TARIFF, on=DAY)
TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)
CALLS = [CallInterval(TEN + timedelta(minutes=5 * n), timedelta(minutes=30)) for n in range(4)]
REPORT = measure_traffic(CALLS, zone=UTC)
PRODUCTS = [
    Product(SKYPE_CONNECT, TARIFF),
    Product(SKYPE_CONNECT, Tariff("cheaper", EUR, channel="5", minute="0.03")),
    Product(OFFERS["voip-yonder"], Tariff("without rates", EUR, channel="4")),
]
COMPARISON = compare_plans(Need(channels=4, minutes={"US": 6000}), PRODUCTS)
BOUGHT = buy(PAID.plan, TARIFF, account="acme", profile="berlin", subscription="s-1", on=DAY).after
ACME = Wallet("acme")


def forecast_with(amount):
    """Return the forecast until 1 May of an account that has an amount after its purchase."""
    balances = {} if amount is None else {ACME: Money.of(amount, EUR)}
    return forecast(BOUGHT, until=date(2026, 5, 1), prices=TARIFF, balances=balances)


#: Each chart, with arguments of values that have one.
CHARTS: dict[str, tuple[Callable[..., Axes], tuple[Any, ...], dict[str, int]]] = {
    "prices": (charts.plot_prices, (SKYPE_CONNECT, TARIFF, range(90, 141)), {}),
    "refund": (charts.plot_refund, (PAID,), {}),
    "blocking": (charts.plot_blocking, (suggest_channels(30),), {}),
    "traffic": (charts.plot_traffic, (REPORT,), {"channels": 3}),
    "break_even": (charts.plot_break_even, (SKYPE_CONNECT, TARIFF), {}),
    "balance": (charts.plot_balance, (forecast_with("100"),), {}),
    "comparison": (charts.plot_comparison, (COMPARISON,), {}),
}


@pytest.fixture(autouse=True)
def close_figures():
    """Close the figures of pyplot after each test."""
    yield
    plt.close("all")


@pytest.fixture
def ax():
    """Return the Axes of a figure that pyplot does not know."""
    return Figure().subplots()


def draw(name, **options):
    """Draw a chart, and return its Axes."""
    plot, arguments, keywords = CHARTS[name]
    return plot(*arguments, **keywords, **options)


def points_of(line):
    """Return the points of a line."""
    return [(float(x), float(y)) for x, y in zip(*line.get_data(), strict=True)]


def line_labelled(ax, start):
    """Return the line whose label begins with a text."""
    (line,) = [line for line in ax.lines if line.get_label().startswith(start)]
    return line


def find_overlaps(texts):
    """Return the pairs of texts that overlap in the drawn picture."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    return [
        (one, other)
        for place, (one, box) in enumerate(boxes)
        for other, other_box in boxes[:place]
        if box.overlaps(other_box)
    ]


class TestEveryChart:
    """What holds for each chart."""

    @pytest.mark.parametrize("name", CHARTS)
    def test_returns_the_axes_that_it_draws_on(self, ax, name):
        """The Axes passed are returned, and neither pyplot nor another figure gets anything."""
        other = plt.figure().subplots()
        figures = plt.get_fignums()

        assert draw(name, ax=ax) is ax
        assert ax.has_data()
        assert figures == plt.get_fignums()
        assert other is plt.gca()
        assert not other.has_data()

    @pytest.mark.parametrize("name", CHARTS)
    def test_without_axes_makes_one_new_pyplot_figure(self, name):
        """A notebook shows the figures of pyplot; the current figure stays as it is."""
        current = plt.figure().subplots()
        figures = plt.get_fignums()
        drawn = draw(name)

        assert [drawn.figure.number] == sorted({*plt.get_fignums()} - {*figures})
        assert not current.has_data()

    @pytest.mark.parametrize("name", CHARTS)
    def test_lines_and_bars_differ_without_colours(self, ax, name):
        """No two lines have the same style and marker, and not all bars have the same hatching."""
        draw(name, ax=ax)
        styles = [(line.get_linestyle(), line.get_marker()) for line in ax.lines]
        hatches = {bar.get_hatch() for bar in ax.patches}

        assert len(styles) == len(set(styles))
        assert 1 != len(hatches)

    @pytest.mark.slow
    @pytest.mark.parametrize("name", CHARTS)
    @pytest.mark.parametrize("style", ["default", "dark_background"])
    def test_marks_have_the_colour_of_the_text(self, name, style):
        """Marks can be read on a light and on a dark background."""
        with plt.style.context(style):
            ax = draw(name, ax=Figure().subplots())
        text_colour = ax.title.get_color()
        colours = {line.get_color() for line in ax.lines if line.get_marker() == "D"}

        assert colours <= {text_colour}

    @pytest.mark.slow
    @pytest.mark.parametrize("name", CHARTS)
    def test_nothing_is_drawn_outside_the_picture(self, name):
        """Titles, labels and texts of a new figure are inside the picture and do not overlap."""
        ax = draw(name)
        figure = ax.figure
        figure.canvas.draw()
        texts = [*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label]
        outside = [
            text.get_text()
            for text in texts
            if text.get_text()
            and not (
                figure.bbox.x0 <= text.get_window_extent().x0
                and text.get_window_extent().x1 <= figure.bbox.x1
            )
        ]

        assert [] == outside
        assert [] == find_overlaps([text for text in texts if text.get_text()])

    @pytest.mark.parametrize("name", CHARTS)
    def test_refuses_another_value_as_axes(self, name):
        """A figure is not an Axes; the error names the parameter."""
        with pytest.raises(WrongType, match="ax must be"):
            draw(name, ax=Figure())

    @pytest.mark.parametrize(
        ("plot", "arguments", "keywords"),
        [
            (charts.plot_prices, (TARIFF, SKYPE_CONNECT, [1]), {}),
            (charts.plot_prices, (SKYPE_CONNECT, SKYPE_CONNECT, [1]), {}),
            (charts.plot_refund, (SKYPE_CONNECT,), {}),
            (charts.plot_blocking, (8,), {}),
            (charts.plot_traffic, (CALLS,), {"channels": 1}),
            (charts.plot_traffic, (REPORT,), {"channels": 1.5}),
            (charts.plot_break_even, (TARIFF, TARIFF), {}),
            (charts.plot_balance, (BOUGHT,), {}),
            (charts.plot_comparison, (PRODUCTS,), {}),
        ],
    )
    def test_refuses_values_of_another_type_and_makes_no_figure(self, plot, arguments, keywords):
        """A wrong value is refused before a figure is made."""
        figures = plt.get_fignums()

        with pytest.raises(WrongType):
            plot(*arguments, **keywords)
        assert figures == plt.get_fignums()

    def test_dollar_signs_in_names_begin_no_formula(self):
        r"""A name such as ``$\frac{$`` is drawn as it is, and does not stop the drawing."""
        hostile = r"$\frac{$"
        offer = attrs.evolve(SKYPE_CONNECT, name=hostile)
        tariff = attrs.evolve(TARIFF, name=hostile, rates={hostile: "0.01"})
        need = Need(channels=4, minutes={hostile: 6000})
        for ax in (
            charts.plot_prices(offer, tariff, [1]),
            charts.plot_comparison(compare_plans(need, [Product(offer, tariff)])),
        ):
            ax.figure.canvas.draw()

            texts = "".join(text.get_text() for text in (ax.title, *ax.texts))
            assert hostile in texts.replace(r"\$", "$")
            assert not is_math_text(texts)


def test_two_forecasts_on_one_axes_differ_in_style_mark_and_label(ax):
    """Black and white shows two lines with two marks and their ends, above one line for zero."""
    for label, euros in (("as it is", "100"), ("with $ 50 more", "150")):
        charts.plot_balance(forecast_with(euros), label=label, ax=ax)
    steps = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    marks = [line.get_marker() for line in ax.lines if line.get_marker() != "None"]

    assert [("-", "as it is"), ("--", r"with \$ 50 more")] == [
        (line.get_linestyle(), line.get_label()) for line in steps
    ]
    assert ["D", "|", "o", "|"] == marks
    assert 7 == len(ax.lines)


class TestPlotPrices:
    """``plot_prices`` draws the price of the channels granted."""

    def test_two_tariffs_on_one_axes_differ_in_style_and_label(self, ax):
        """The legend has the tariffs' names, and black and white shows two lines."""
        dearer = Tariff("dearer $", EUR, channel="7.25")
        for tariff in (TARIFF, dearer):
            charts.plot_prices(SKYPE_CONNECT, tariff, range(99, 111), ax=ax)
        labels = [text.get_text() for text in ax.get_legend().get_texts()]

        assert ["-", "--"] == [line.get_linestyle() for line in ax.lines]
        assert [
            f"{TARIFF.name} (number: channels granted)",
            "dearer \\$ (number: channels granted)",
        ] == labels

    def test_line_has_the_price_of_the_channels_granted(self, ax):
        """105 requested are sold as 100 for 695.00, and 110 for 764.50 (H5)."""
        (line,) = charts.plot_prices(SKYPE_CONNECT, TARIFF, range(99, 111), ax=ax).lines

        assert [(99, 688.05), *((n, 695.0) for n in range(100, 110)), (110, 764.5)] == points_of(
            line
        )

    def test_steps_begin_half_way_between_two_requests(self, ax):
        """A step is as wide as its requests, so each request is in the middle of its place."""
        (line,) = charts.plot_prices(SKYPE_CONNECT, TARIFF, range(99, 111), ax=ax).lines

        assert "steps-mid" == line.get_drawstyle()

    def test_each_step_names_the_channels_granted(self, ax):
        """The number is at the left end of its step; a request granted as it is has no number."""
        charts.plot_prices(SKYPE_CONNECT, TARIFF, range(98, 131), ax=ax)

        assert [("100", (99.5, 695.0)), ("110", (109.5, 764.5)), ("120", (119.5, 834.0))] == [
            (text.get_text(), text.xy) for text in ax.texts
        ]

    def test_many_steps_have_at_most_twelve_numbers(self):
        """There are 20 steps from 1 to 300. Every second step has a number, and none overlap."""
        ax = charts.plot_prices(SKYPE_CONNECT, TARIFF, range(1, 301))
        ax.figure.canvas.draw()
        names = [text.get_text() for text in ax.texts]

        assert [str(channels) for channels in range(100, 300, 20)] == names
        assert [] == find_overlaps(ax.texts)

    def test_falling_price_is_drawn_as_it_falls(self, ax):
        """By volume, 51 channels at 5 cost less than 50 at 6."""
        tariff = in_ladder(Tier(50, unit="6"), Tier(None, unit="5"))
        (line,) = charts.plot_prices(SKYPE_CONNECT, tariff, [50, 51], ax=ax).lines

        assert [(50, 300.0), (51, 255.0)] == points_of(line)

    def test_axes_name_the_term_and_the_currency(self, ax):
        """The price is that of a term of 30 days, in the currency of the tariff."""
        charts.plot_prices(SKYPE_CONNECT, Tariff("dollars", USD, channel="7"), [1], ax=ax)

        assert ("channels requested", "price of 30 days (USD)") == (
            ax.get_xlabel(),
            ax.get_ylabel(),
        )

    @pytest.mark.parametrize(
        ("requested", "error", "message"),
        [
            ([], InvalidValue, "requested must be at least one number of channels, not no number"),
            ([1, 301], ChannelsOutOfRange, "at most 300"),
        ],
    )
    def test_refuses_no_numbers_and_illegal_numbers(self, requested, error, message):
        """The error says what would work, and no empty figure is left."""
        figures = plt.get_fignums()

        with pytest.raises(error, match=message):
            charts.plot_prices(SKYPE_CONNECT, TARIFF, requested)
        assert figures == plt.get_fignums()


class TestPlotRefund:
    """``plot_refund`` draws the refund for each day of the term."""

    def test_lines_have_the_refund_of_each_day(self, ax):
        """12 channels cost 83.40: all of it on the first day, two thirds after ten days (H16)."""
        charts.plot_refund(PAID, ax=ax)
        refunded, kept = (
            points_of(line_labelled(ax, label)) for label in ("refunded", "kept by the seller")
        )

        assert 30 == len(refunded) == len(kept)
        assert [83.4, 55.6, 2.78] == [refunded[day][1] for day in (0, 10, 29)]
        assert [0.0, 27.8, 80.62] == [kept[day][1] for day in (0, 10, 29)]
        assert [DAY, date(2026, 2, 3)] == [num2date(refunded[n][0]).date() for n in (0, -1)]

    def test_rule_and_allowance_decide_the_refund(self, ax):
        """Half of the minutes of a bundle for 10.00 are used, so 5.00 is refunded on each day."""
        paid = quote(SKYPE_CONNECT.plan(channels=1, bundles=1), TARIFF, on=DAY)
        rule = RefundRule(channels=RefundBasis.NOTHING, bundles=RefundBasis.MINUTES)
        allowance = Allowance(timedelta(minutes=5000), timedelta(minutes=2500))
        charts.plot_refund(paid, allowance=allowance, rule=rule, ax=ax)

        assert {5.0} == {amount for _, amount in points_of(line_labelled(ax, "refunded"))}

    def test_refuses_a_rule_by_minutes_without_an_allowance(self):
        """The minutes used are needed, and no empty figure is left."""
        figures = plt.get_fignums()
        rule = RefundRule(channels=RefundBasis.TIME, bundles=RefundBasis.MINUTES)

        with pytest.raises(AllowanceNeeded):
            charts.plot_refund(
                quote(SKYPE_CONNECT.plan(channels=1, bundles=1), TARIFF, on=DAY), rule=rule
            )
        assert figures == plt.get_fignums()

    def test_axes_name_the_day_and_the_currency(self, ax):
        """Days have dates, and amounts are in the currency of the quote."""
        charts.plot_refund(PAID, ax=ax)

        assert ("day on which the term ends", "amount (EUR)") == (ax.get_xlabel(), ax.get_ylabel())
        assert "Refund of 83.40 EUR" == ax.get_title()


class TestPlotBlocking:
    """``plot_blocking`` draws Erlang's B against the channels."""

    def test_line_has_the_share_of_erlangs_b(self, ax):
        """3 erlangs on 3 channels refuse 9/26 of the calls; the suggestion is 8 channels (H7)."""
        charts.plot_blocking(suggest_channels(30), ax=ax)
        shares = dict(points_of(line_labelled(ax, "refused")))

        assert pytest.approx(9 / 26) == shares[3]
        assert {channels: erlang_b(3.0, int(channels)) for channels in shares} == shares

    def test_suggestion_is_marked_on_the_line(self, ax):
        """The mark is at 8 channels, and its label has the share that they refuse."""
        charts.plot_blocking(suggest_channels(30), ax=ax)
        mark = line_labelled(ax, "suggestion")

        assert [(8.0, erlang_b(3.0, 8))] == points_of(mark)
        assert "suggestion: 8 channels, 0.813 %" == mark.get_label()

    def test_dashed_line_shows_the_share_that_may_be_refused(self, ax):
        """The default guideline allows 2 %; the curve falls from a half to below a 5,000th."""
        charts.plot_blocking(suggest_channels(30), ax=ax)
        shares = [share for _, share in points_of(line_labelled(ax, "refused"))]

        assert {0.02} == {*line_labelled(ax, "at most 2 % refused").get_ydata()}
        assert shares == sorted(shares, reverse=True)
        assert shares[0] <= 0.5
        assert shares[-1] <= 0.0002

    def test_a_ratio_has_no_share_that_may_be_refused(self, ax):
        """A ratio ignores the share, unless the traffic is measured."""
        charts.plot_blocking(suggest_channels(30, guideline=GUIDELINES["caznet"]), ax=ax)
        assert 2 == len(ax.lines)

        measured = suggest_channels(erlangs=3.0, guideline=GUIDELINES["caznet"])
        charts.plot_blocking(measured, ax=Figure().subplots())
        assert 3 == len(charts.plot_blocking(measured, ax=Figure().subplots()).lines)

    def test_large_suggestion_has_few_points_and_the_suggested_one(self, ax):
        """A suggestion of about 100,000 channels is drawn with at most 203 points."""
        suggestion = suggest_channels(1_000_000)
        charts.plot_blocking(suggestion, ax=ax)
        shares = dict(points_of(line_labelled(ax, "refused")))

        assert 100 < len(shares) <= 203
        assert suggestion.blocking == shares[suggestion.channels]

    def test_no_load_is_drawn_on_a_linear_axis(self, ax):
        """Without calls nothing is refused, and zero has no place on a logarithmic axis."""
        charts.plot_blocking(suggest_channels(erlangs=0.0), ax=ax)

        assert "linear" == ax.get_yscale()
        assert [(1.0, 0.0)] == points_of(line_labelled(ax, "suggestion"))

    def test_axes_name_the_channels_and_the_percentage(self, ax):
        """The ticks of the axis are percentages, such as 1 %."""
        charts.plot_blocking(suggest_channels(30), ax=ax)

        assert ("channels", "refused calls in the busy hour (%)") == (
            ax.get_xlabel(),
            ax.get_ylabel(),
        )
        assert "1 %" == ax.yaxis.get_major_formatter()(0.01)


class TestPlotTraffic:
    """``plot_traffic`` draws the load of each hour and the channels bought."""

    def test_bars_have_the_load_of_each_hour(self, ax):
        """Four calls of 30 minutes between 10:00 and 11:00 are 2 erlangs in that hour."""
        charts.plot_traffic(REPORT, channels=3, ax=ax)
        bars = {bar.get_x(): bar.get_height() for bar in ax.patches}

        assert {hour: 2.0 * (hour == 10) for hour in range(24)} == bars

    def test_busy_hour_is_hatched_and_named(self, ax):
        """Only the bar of the hour from 10:00 on is hatched, and the legend explains it."""
        charts.plot_traffic(REPORT, channels=3, ax=ax)
        (busy,) = [bar for bar in ax.patches if bar.get_hatch()]

        assert (10, "busy hour: 2 erlangs") == (busy.get_x(), busy.get_label())
        assert busy.get_label() in {text.get_text() for text in ax.get_legend().get_texts()}

    def test_lines_show_the_peak_and_the_channels_bought(self, ax):
        """Four calls ran at the same time, and three channels are bought."""
        charts.plot_traffic(REPORT, channels=3, ax=ax)

        assert {4} == {*line_labelled(ax, "peak: 4 calls").get_ydata()}
        assert {3} == {*line_labelled(ax, "3 channels bought").get_ydata()}

    def test_axes_name_the_zone_and_the_unit(self, ax):
        """The hours are those of the report's zone, and the load is in erlangs."""
        charts.plot_traffic(REPORT, channels=3, ax=ax)

        assert ("hour of the day (UTC)", "simultaneous calls (erlangs)") == (
            ax.get_xlabel(),
            ax.get_ylabel(),
        )
        assert (0.0, 24.0) == ax.get_xlim()

    def test_refuses_a_negative_number_of_channels(self):
        """The error names the parameter, and no empty figure is left."""
        figures = plt.get_fignums()

        with pytest.raises(InvalidValue, match="channels must be at least 0"):
            charts.plot_traffic(REPORT, channels=-1)
        assert figures == plt.get_fignums()


class TestPlotBreakEven:
    """``plot_break_even`` draws the cost of minutes with and without a bundle."""

    def test_lines_have_the_cost_of_the_minutes(self, ax):
        """7,500 minutes cost 157.50 at 0.021; with a bundle, 10 and 2,500 minutes, 52.50 (H10)."""
        charts.plot_break_even(SKYPE_CONNECT, TARIFF, ax=ax)

        assert [(0.0, 0.0), (7500.0, 157.5)] == points_of(line_labelled(ax, "without"))
        assert [(0.0, 10.0), (5000.0, 10.0), (7500.0, 62.5)] == points_of(
            line_labelled(ax, "with a bundle")
        )

    def test_mark_is_at_the_break_even_point(self, ax):
        """10 / 0.021 minutes are 7:56:12, rounded up to a second, or 476.2 minutes."""
        charts.plot_break_even(SKYPE_CONNECT, TARIFF, ax=ax)
        mark = line_labelled(ax, "break-even")

        assert [(476.2, 10.0)] == points_of(mark)
        assert "break-even: 476 minutes" == mark.get_label()

    def test_lowest_rate_of_the_area_counts(self, ax):
        """A bundle for two countries pays off where the cheaper minutes cost as much."""
        bundle = BundleRule("minutes", 5000, ("US", "CA"))
        offer = attrs.evolve(SKYPE_CONNECT, bundle=bundle)
        tariff = attrs.evolve(TARIFF, rates={"US": "0.04", "CA": "0.02"})
        charts.plot_break_even(offer, tariff, ax=ax)

        assert [(500.0, 10.0)] == points_of(line_labelled(ax, "break-even"))
        assert "Calls to US, CA, with and without a bundle" == ax.get_title()

    def test_axes_name_the_term_and_the_currency(self, ax):
        """Minutes are those of a term, and costs are in the currency of the tariff."""
        charts.plot_break_even(SKYPE_CONNECT, TARIFF, ax=ax)

        assert ("minutes in a term of 30 days", "cost of the minutes (EUR)") == (
            ax.get_xlabel(),
            ax.get_ylabel(),
        )

    def test_refuses_an_offer_without_bundles(self):
        """The error is that of ``break_even``, and no empty figure is left."""
        figures = plt.get_fignums()
        offer = attrs.evolve(SKYPE_CONNECT, bundle=None)

        with pytest.raises(NotOffered):
            charts.plot_break_even(offer, TARIFF)
        assert figures == plt.get_fignums()


class TestPlotBalance:
    """``plot_balance`` draws the balance of a forecast, and marks the day on which it runs dry."""

    def test_line_has_the_balance_of_each_day_with_a_change(self, ax):
        """200.00 pays two renewals of 83.40; the line ends with the lapse after the third."""
        charts.plot_balance(forecast_with("200"), ax=ax)
        line = line_labelled(ax, "balance")

        assert [
            (date(2026, 1, 5), 200.0),
            (date(2026, 2, 4), 116.6),
            (date(2026, 3, 6), 33.2),
            (date(2026, 4, 5), 33.2),
            (date(2026, 4, 6), 33.2),
            (date(2026, 4, 6), 33.2),
        ] == [(num2date(day).date(), amount) for day, amount in points_of(line)]
        assert "steps-post" == line.get_drawstyle()

    def test_mark_is_on_the_day_on_which_the_credit_runs_dry(self, ax):
        """33.20 cannot pay the renewal of 5 April; 50.20 more pays it (F 6.3)."""
        charts.plot_balance(forecast_with("200"), ax=ax)
        mark = line_labelled(ax, "cannot pay")
        ((day, amount),) = points_of(mark)

        assert (date(2026, 4, 5), 33.2) == (num2date(day).date(), amount)
        assert (
            "cannot pay 83.40 EUR on 2026-04-05;\n"
            "to pay everything before 2026-05-01: 50.20 EUR more"
        ) == mark.get_label()

    def test_mark_of_a_call_says_that_the_balance_is_below_zero(self, ax):
        """10 minutes more than the bundle has are charged in full: 1.00 - 10 x 0.50 = -4.00."""
        calls = [DailyCalls("berlin", "US", timedelta(minutes=5010))]
        plan = SKYPE_CONNECT.plan(channels=1, bundles=1)
        prices = attrs.evolve(TARIFF, minute="0.5")
        expected = forecast(
            buy(plan, prices, account="acme", profile="berlin", subscription="s", on=DAY).after,
            until=DAY + timedelta(days=1),
            prices=prices,
            balances={ACME: Money.of("1", EUR)},
            calls_per_day=calls,
        )
        charts.plot_balance(expected, ax=ax)

        assert (
            "below zero on 2026-01-05;\nto pay everything before 2026-01-06: 4.00 EUR more"
        ) == line_labelled(ax, "below zero").get_label()

    def test_mark_of_a_call_that_a_profile_cannot_pay_names_no_deposit(self, ax):
        """A deposit in the account's wallet would not pay the call of 2.00."""
        offer = attrs.evolve(
            SKYPE_CONNECT, calls=attrs.evolve(SKYPE_CONNECT.calls, may_overdraw=False)
        )
        prices = attrs.evolve(TARIFF, rates={"DE": "0.2"})
        bought = buy(
            offer.plan(channels=12),
            prices,
            account="acme",
            profile="berlin",
            subscription="s",
            on=DAY,
        )
        expected = forecast(
            bought.after,
            until=DAY + timedelta(days=1),
            prices=prices,
            balances={ACME: Money.of("1", EUR), Wallet("acme", "berlin"): Money.zero(EUR)},
            calls_per_day=[DailyCalls("berlin", "DE", timedelta(minutes=10))],
        )
        charts.plot_balance(expected, ax=ax)

        assert "cannot pay 2.00 EUR on 2026-01-05" == line_labelled(ax, "cannot").get_label()

    def test_line_ends_where_nothing_is_left_to_renew(self, ax):
        """A bar says so, and the axis still shows all days of the forecast."""
        charts.plot_balance(forecast_with("200"), ax=ax)
        bar = line_labelled(ax, "nothing is renewed from 2026-04-06 on")

        assert [(date(2026, 4, 6), 33.2)] == [
            (num2date(day).date(), amount) for day, amount in points_of(bar)
        ]
        assert date(2026, 5, 1) <= num2date(ax.get_xlim()[1]).date()

    def test_line_that_ends_does_not_cut_a_longer_one(self, ax):
        """Two forecasts on the same Axes are both visible as a whole."""
        charts.plot_balance(forecast_with("200"), ax=ax)
        longer = attrs.evolve(forecast_with("500"), until=date(2027, 1, 1))
        charts.plot_balance(longer, ax=ax)

        assert date(2027, 1, 1) <= num2date(ax.get_xlim()[1]).date()

    def test_enough_credit_has_no_mark(self, ax):
        """Three renewals of 83.40 are paid from 300.00: there are the balance and the zero line."""
        charts.plot_balance(forecast_with("300"), ax=ax)

        assert ["-", ":"] == [line.get_linestyle() for line in ax.lines]
        assert {0} == {*ax.lines[1].get_ydata()}

    def test_account_without_entries_keeps_its_balance(self, ax):
        """Nothing is due before February, so the line has the two days of the forecast."""
        expected = forecast(
            BOUGHT,
            until=date(2026, 1, 20),
            prices=TARIFF,
            balances={ACME: Money.of("10", EUR)},
        )
        charts.plot_balance(expected, ax=ax)

        assert [10.0, 10.0] == [amount for _, amount in points_of(line_labelled(ax, "balance"))]

    def test_axes_name_the_account_and_the_currency(self, ax):
        """The title names the wallet, and the amounts are in its currency."""
        charts.plot_balance(forecast_with("200"), ax=ax)

        assert ("day", "balance (EUR)") == (ax.get_xlabel(), ax.get_ylabel())
        assert "Balance of account 'acme'" == ax.get_title()

    def test_refuses_a_forecast_without_a_balance(self):
        """The error says what works, and no empty figure is left."""
        figures = plt.get_fignums()

        with pytest.raises(InvalidValue, match="a forecast with the balance"):
            charts.plot_balance(forecast_with(None))
        assert figures == plt.get_fignums()


class TestPlotComparison:
    """``plot_comparison`` draws a bar for each option."""

    def test_bars_have_the_cost_of_each_option(self, ax):
        """4 x 6.95 and 2 bundles are 47.80; 4 x 5 and 6,000 x 0.03 are 200.00."""
        charts.plot_comparison(COMPARISON, ax=ax)

        assert [47.8, 200.0, 0.0] == [bar.get_width() for bar in ax.patches]

    def test_texts_name_the_offers_and_what_is_bought(self, ax):
        """The cheapest option is on top, and an impossible one says so."""
        charts.plot_comparison(COMPARISON, ax=ax)

        assert [
            "Skype Connect (help page), made up\n4 channels with 2 bundles: 47.80 EUR",
            "Skype Connect (help page), cheaper\n4 channels: 200.00 EUR",
            "VoIP Yonder (add-ons of 2,000), without rates\nnot possible",
        ] == [text.get_text() for text in ax.texts]
        assert ax.get_ylim()[0] > ax.get_ylim()[1]

    def test_only_the_cheapest_option_is_hatched(self, ax):
        """Nothing is hatched if no option is possible."""
        charts.plot_comparison(COMPARISON, ax=ax)
        impossible = compare_plans(Need(channels=4, minutes={"FR": 1}), PRODUCTS[1:2])
        other = charts.plot_comparison(impossible, ax=Figure().subplots())

        assert [True, False, False] == [bool(bar.get_hatch()) for bar in ax.patches]
        assert [None] == [bar.get_hatch() for bar in other.patches]

    def test_axis_names_the_period_and_the_currency(self, ax):
        """Terms of different lengths are compared over 30 days; prices are net of tax."""
        charts.plot_comparison(COMPARISON, ax=ax)

        assert "cost of 30 days (EUR), net of tax" == ax.get_xlabel()

    @pytest.mark.slow
    def test_texts_of_many_options_do_not_overlap(self):
        """A new figure is high enough for 20 options."""
        products = [
            Product(SKYPE_CONNECT, Tariff(f"tariff {number}", EUR, channel=number))
            for number in range(1, 21)
        ]
        ax = charts.plot_comparison(compare_plans(Need(channels=4), products))
        ax.figure.canvas.draw()

        assert 20 == len(ax.texts)
        assert [] == find_overlaps(ax.texts)

    def test_refuses_a_comparison_without_options(self):
        """There is no currency for the axis."""
        with pytest.raises(InvalidValue, match="at least one product"):
            charts.plot_comparison(PlanComparison(COMPARISON.need, ()))


def test_charts_without_matplotlib_say_what_to_install(monkeypatch):
    """The error names the extra, and keeps the original error as its cause."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "channelplans.explore.charts")

    with pytest.raises(ImportError, match=r'pip install "channelplans\[charts\]"') as caught:
        import channelplans.explore.charts  # noqa: F401

    assert "matplotlib" == caught.value.name
    assert isinstance(caught.value.__cause__, ImportError)


@pytest.mark.slow
def test_matplotlib_is_loaded_only_with_the_charts():
    """The package and the room of exploration work without matplotlib, and never import it."""
    code = (
        "import sys, channelplans, channelplans.explore\n"
        "from channelplans.explore import *\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from channelplans.explore import charts\n"
        "assert 'matplotlib' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
