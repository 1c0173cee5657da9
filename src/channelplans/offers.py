"""Published offers as named constants, each with its source.

The numbers are the providers'; where a source is silent, the constant's text says what was taken.
"""

from datetime import timedelta
from typing import Final

import attrs

from channelplans.calendar import Days, Months
from channelplans.money import Rounding
from channelplans.plans import Offer
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeRule,
    Notice,
    QuantityRule,
    RefundBasis,
    RefundRule,
    Step,
    TermRule,
)

__all__ = ["SKYPE_CONNECT", "SKYPE_CONNECT_2011", "SKYPE_CONNECT_NEAREST"]

#: The offer of the help page (H1 to H21); calls are counted as its contract says (F 3.5).
SKYPE_CONNECT: Final = Offer(
    name="Skype Connect",
    edition="help page",
    source="https://support.skype.com/pl/faq/FA10571/jak-zarzadzac-abonamentami-kanalow-skype-connect",
    quantity=QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN),
    bundles=BundleRule("US minute bundle", minutes=5000, area=("US",), per_channel=1),
    term=TermRule(Days(30)),
    change=ChangeRule(cooldown=Days(1)),
    refund=RefundRule(),
    calls=CallRule(minimum=timedelta(seconds=30), step=timedelta(seconds=6)),
    notices=(
        Notice(
            "no-emergency-calls",
            "Not a telephone replacement: it cannot call emergency numbers.",
            "H21",
        ),
    ),
)

#: The other published reading of H5 (F 1.4): above 100 to the nearest 10. No source says what
#: happens to a tie; half up is ours. Everything else as on the help page.
SKYPE_CONNECT_NEAREST: Final = attrs.evolve(
    SKYPE_CONNECT,
    edition="nearest 10",
    source="https://support.skype.com/de/faq/FA10572/wie-verwalte-ich-sip-profile",
    quantity=QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.HALF_UP),
)

_EXCLUDED_PREFIXES: Final = tuple(
    """
218632 605475 605477 605562 641213 641235 641237 641262 641264 641308 641309 641388 641395
641398 641410 641453 641509 641551 641570 641608 641612 641654 641665 641696 641739 641749
641795 641826 641827 641865 641962 641982 641983 641985 641992 760569 951262 6057154 6412104
6413152 6413155 6413158 6415525 6417102 6417105 6417108 6417132 6417133 6417134 6417135 6417138
6417150 6417153 6418162 6418163 6418164 6418165 6418168 7122276 7124396 7124510 7124511 7124512
7124513 7124514 7124515 7124516 7124517 7124720 7124756 7125416 7125686 7127256 7127266 7127379
218237 218339 218486 218548 218844 218862 218895 218936 219632 712432 2096471 5595461 7123387
7123388 7605690 7605691 7605692 7605694 7605696 7605697 7605821 8053601 9512620 9512621 9512622
9512623
""".split()
)

#: The contract of 2011: monthly terms (F 6.2), a change at any time (F 4.1), bundles refunded by
#: unused minutes (F 4.6) and valid for the US and Canada (F 8.2), for at most 12 hours of one call
#: (F 8.6) and not to 101 prefixes (F 8.10). It does not speak of rounding to tens; the help page
#: is taken there.
SKYPE_CONNECT_2011: Final = attrs.evolve(
    SKYPE_CONNECT,
    edition="contract of July 2011",
    source="https://github.com/pde/tosback2/blob/148ed22945022de9bcafacac1b00fcb883c2c4bb/"
    "crawl/skype.com/Terms%20of%20Service%20-%20Business.txt",
    bundles=BundleRule(
        "US minute bundle",
        minutes=5000,
        area=("US", "CA"),
        per_channel=1,
        longest_call=timedelta(hours=12),
        excluded_prefixes=_EXCLUDED_PREFIXES,
    ),
    term=TermRule(Months(1)),
    change=ChangeRule(cooldown=None),
    refund=RefundRule(bundles=RefundBasis.MINUTES),
)
