"""Published offers, each with its source.

All numbers are the providers' own. A comment at each offer says what its source states, what the
source leaves open, and what the offer cannot express.

If a source is silent, every offer but Skype's has the same defaults:

* any number of channels, and calls counted by the second;
* terms of a month from the day of purchase; if terms are calendar months, a prorated first part;
* changes at any time: a change to more is prorated, a change to fewer waits for the next term;
* no refund.

So nobody uses channels that are not paid for, and no refund is invented.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import attrs

from channelplans._named_values import NamedValues
from channelplans.calendar import Days, Months
from channelplans.money import Rounding
from channelplans.plans import Offer
from channelplans.quantities import MAX_CHANNELS, QuantityRule, Step
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    Notice,
    RefundBasis,
    RefundRule,
    TermRule,
)

__all__ = ["OFFERS", "SKYPE_CONNECT"]

#: The offer of the help page (H1 to H21). Calls are counted as in the contract (F 3.5). The page
#: does not list the emergency numbers (H21); the offer bars 112, 911 and 999.
SKYPE_CONNECT: Final = Offer(
    name="Skype Connect",
    edition="help page",
    source="https://support.skype.com/pl/faq/FA10571/jak-zarzadzac-abonamentami-kanalow-skype-connect",
    quantity=QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN),
    bundle=BundleRule(
        "US minute bundle", minutes=5000, area=("US",), per_channel=1, trunk_prefix="1"
    ),
    term=TermRule(Days(30)),
    change=ChangeRule(cooldown=Days(1)),
    refund=RefundRule(),
    calls=CallRule(
        minimum=timedelta(seconds=30),
        step=timedelta(seconds=6),
        barred_numbers=("112", "911", "999"),
    ),
    notices=(
        Notice(
            "no-emergency-calls",
            "Not a telephone replacement: it cannot call emergency numbers.",
            "H21",
        ),
    ),
)

#: The 101 prefixes of the contract (F 8.10).
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

_CALENDAR_MONTH: Final = TermRule(Months(1), billing_day=1)

_DEFAULTS: Final = Offer(
    name="defaults",
    edition="for a silent source",
    source="none",
    quantity=QuantityRule(1, MAX_CHANNELS),
    bundle=None,
    term=TermRule(Months(1)),
    change=ChangeRule(cooldown=None, more=ChangeEffect.PRORATE, fewer=ChangeEffect.AT_RENEWAL),
    refund=RefundRule(channels=RefundBasis.NOTHING, bundles=RefundBasis.NOTHING),
    calls=CallRule(minimum=timedelta(0), step=timedelta(seconds=1)),
)

#: All offers of this module by short name.
OFFERS: Final[Mapping[str, Offer]] = NamedValues(
    {
        "skype-connect": SKYPE_CONNECT,
        # The other published reading of H5 (F 1.4): above 100, the number is rounded to the nearest
        # 10. No source says how a tie is rounded; half up is our choice. All else is as on the help
        # page.
        "skype-connect-nearest": attrs.evolve(
            SKYPE_CONNECT,
            edition="nearest 10",
            source="https://support.skype.com/de/faq/FA10572/wie-verwalte-ich-sip-profile",
            quantity=QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.HALF_UP),
        ),
        # The contract of 2011: monthly terms (F 6.2) and changes at any time (F 4.1). Unused
        # minutes of a bundle are refunded (F 4.6). Bundles are valid for the US and Canada (F 8.2),
        # for at most 12 hours of a call (F 8.6), but not for 101 prefixes (F 8.10). The contract
        # does not mention rounding to tens, so that rule is the help page's.
        "skype-connect-2011": attrs.evolve(
            SKYPE_CONNECT,
            edition="contract of July 2011",
            source="https://github.com/pde/tosback2/blob/148ed22945022de9bcafacac1b00fcb883c2c4bb/"
            "crawl/skype.com/Terms%20of%20Service%20-%20Business.txt",
            bundle=BundleRule(
                "US minute bundle",
                minutes=5000,
                area=("US", "CA"),
                per_channel=1,
                longest_call=timedelta(hours=12),
                excluded_prefixes=_EXCLUDED_PREFIXES,
                trunk_prefix="1",
            ),
            term=TermRule(Months(1)),
            change=ChangeRule(cooldown=None),
            refund=RefundRule(bundles=RefundBasis.MINUTES),
        ),
        # sipgate's landline packs for trunks in Germany. A pack has 5,000 minutes, and the number
        # of packs is not limited. Unused minutes expire at the end of the calendar month. The offer
        # leaves out packs of other sizes and packs for mobiles, and it treats mobiles like
        # landlines.
        "sipgate-packs": attrs.evolve(
            _DEFAULTS,
            name="sipgate trunking",
            edition="landline packs of 5,000",
            source="https://help.sipgate.de/trunking/en/kann-ich-minutenpakete-fuer-meinen-trunk-buchen.md",
            bundle=BundleRule(
                "landline pack",
                5000,
                ("DE",),
                per_channel=None,
                calling_code="49",
                trunk_prefix="0",
            ),
            term=_CALENDAR_MONTH,
        ),
        # sipgate's contracts in Germany. A contract can be switched at any time, with immediate
        # effect. The new contract is prorated for the running month, and the old one is not
        # refunded. Two rules come from https://www.sipgate.de/leistungsbeschreibung: terms are
        # calendar months, and without credit only outgoing calls are blocked. The offer cannot
        # express the second rule.
        "sipgate-de": attrs.evolve(
            _DEFAULTS,
            name="sipgate",
            edition="contracts in Germany",
            source="https://help.sipgate.de/cloud-telefonanlage/en/account-management/"
            "vertrage-rechnungen-und-preise/wie-kann-ich-meinen-tarif-wechseln",
            term=_CALENDAR_MONTH,
            change=ChangeRule(cooldown=None, more=ChangeEffect.RESTART, fewer=ChangeEffect.RESTART),
        ),
        # sipgate's plans in the United Kingdom, for a calendar month. A change to more takes effect
        # at once and is prorated for the rest of the month. A change to fewer and a cancellation
        # wait for the end of the month. There is no refund. A cancellation can be revoked until a
        # day before it takes effect. At sipgate, a cancellation on the last day of a month counts
        # for the next month; here it counts for the running month.
        "sipgate-uk": attrs.evolve(
            _DEFAULTS,
            name="sipgate UK",
            edition="monthly plans",
            source="https://teamhelp.sipgate.co.uk/hc/en-gb/articles/204124842-Changing-your-sipgate-plan",
            term=_CALENDAR_MONTH,
        ),
        # The basic tariffs of easybell's trunks: 2 to 50 lines. The source says that flat options
        # are switched at the end of a month; we use this for every change. The source does not
        # publish how many minutes the options have, so the offer has no bundles.
        "easybell-basic": attrs.evolve(
            _DEFAULTS,
            name="easybell SIP trunk",
            edition="basic tariffs",
            source="https://easyinttel.de/20210409_easybell-fair-flat-tarife/",
            quantity=QuantityRule(2, 50),
            term=_CALENDAR_MONTH,
            change=ChangeRule(
                cooldown=None, more=ChangeEffect.AT_RENEWAL, fewer=ChangeEffect.AT_RENEWAL
            ),
        ),
        # The tariffs of easybell's telephone system, by number of devices; here a device is a
        # channel. A larger tariff can be used at once, and its price applies from the next month. A
        # change is free of charge, and a smaller tariff takes effect at once.
        "easybell-tier": attrs.evolve(
            _DEFAULTS,
            name="easybell Cloud PBX",
            edition="by devices",
            source="https://en.easybell.de/help/cloud-pbx/answer/"
            "how-can-i-change-the-tariff-of-my-cloud-pbx/",
            term=_CALENDAR_MONTH,
            change=ChangeRule(
                cooldown=None, more=ChangeEffect.NO_CHARGE, fewer=ChangeEffect.NO_CHARGE
            ),
        ),
        # DIDWW's flat-rate channels. Added channels are prorated for the days left of the billing
        # cycle. They also cost a set-up fee, which belongs in the tariff
        # (``Tariff.channel_setup``). Removed channels are gone at once, according to
        # https://doc.didww.com/phone-numbers/capacity/how-to-guides/remove-flat-rate-channels.html.
        # The page does not mention refunds; we refund nothing. The smallest order is not published
        # as a number; we use 1.
        "didww": attrs.evolve(
            _DEFAULTS,
            name="DIDWW",
            edition="flat-rate channels",
            source="https://doc.didww.com/phone-numbers/capacity/how-to-guides/"
            "purchase-flat-rate-channels.html",
            change=ChangeRule(
                cooldown=None, more=ChangeEffect.PRORATE, fewer=ChangeEffect.NO_CHARGE
            ),
        ),
        # Telnyx's channel billing, for incoming calls. Recurring charges are made at the start of
        # each calendar month, according to
        # https://support.telnyx.com/en/articles/4425088-reporting-monthly-charges.
        "telnyx": attrs.evolve(
            _DEFAULTS,
            name="Telnyx",
            edition="channel billing",
            source="https://support.telnyx.com/en/articles/1130678-channel-billing-and-how-to-use-it",
            term=_CALENDAR_MONTH,
        ),
        # Voyant's trunks that are sold by concurrent call sessions (CCS). Incoming and local calls
        # are free. The offer cannot express this, because it does not divide a country into areas.
        "voyant": attrs.evolve(
            _DEFAULTS,
            name="Voyant",
            edition="CCS",
            source="https://help.voyant.com/en/articles/2508247-sip-trunking-rate-plans-ccs-or-paygo",
        ),
        # SIPStation's trunks. Each has a channel and a soft cap of 3,000 minutes, which we treat as
        # included minutes. A trunk ends at once (``terminate``) and cannot be restored, and the
        # days left are not refunded, according to
        # https://wiki.freepbx.org/pages/diffpagesbyversion.action?pageId=4620400&selectedPageVersions=30&selectedPageVersions=31.
        "sipstation": attrs.evolve(
            _DEFAULTS,
            name="SIPStation",
            edition="High Volume Voice",
            source="https://wiki.freepbx.org/display/ST/Trunk+FAQ",
            bundle=BundleRule(
                "soft cap", 0, ("US",), per_channel=0, trunk_prefix="1", included=3000
            ),
        ),
        # Premitel's smallest tariff: 200 minutes for each line, to numbers that begin with 01, 02,
        # 03 or 07. The page limits 07 to some mobile networks. A prefix does not identify a
        # network, so this offer includes all of 07. The two larger tariffs have 800 and 2,000
        # minutes. Further minutes have different prices for landlines and mobiles, which belong in
        # the tariff's rates.
        "premitel": attrs.evolve(
            _DEFAULTS,
            name="Premitel VoIP Phone Service",
            edition="Bronze",
            source="https://www.premitel.uk/services/voip-phone-service/tariff-information/",
            bundle=BundleRule(
                "inclusive minutes",
                0,
                ("GB",),
                per_channel=0,
                excluded_prefixes=("4", "5", "6", "8", "9"),
                calling_code="44",
                trunk_prefix="0",
                included=200,
            ),
        ),
        # Strobe IT's plans: five channels for 12 months, paid monthly. The page does not say how
        # many minutes a plan has; further calls are counted by the second. The set-up fee belongs
        # in the tariff. The page is marked as old. It promises easy upgrades during the contract,
        # but this offer allows only five channels.
        "strobe-it": attrs.evolve(
            _DEFAULTS,
            name="Strobe IT",
            edition="SIP plan",
            source="https://strobeit.servicedesk.comodo.com/kb/faq.php?id=120",
            quantity=QuantityRule(5, 5),
            term=TermRule(Months(1), minimum_term=Months(12)),
        ),
        # VoIP Yonder's add-ons of 2,000 minutes. They take effect at once, add up, and renew on the
        # 1st. If the funds do not cover the renewal, all add-ons are removed. The source does not
        # price an add-on that is bought within a term; we charge the full price. At VoIP Yonder all
        # connections of an account share the minutes; here the connections are one profile.
        "voip-yonder": attrs.evolve(
            _DEFAULTS,
            name="VoIP Yonder",
            edition="add-ons of 2,000",
            source="https://voipyonder.com/packages&offers.php",
            bundle=BundleRule(
                "add-on",
                2000,
                ("GB",),
                per_channel=None,
                calling_code="44",
                trunk_prefix="0",
            ),
            term=_CALENDAR_MONTH,
            change=ChangeRule(
                cooldown=None, more=ChangeEffect.CHARGE_FULL, fewer=ChangeEffect.AT_RENEWAL
            ),
            non_payment=NonPaymentRule(drops_bundles=True),
        ),
        # To Connect Me's channels. Calls are unlimited, so no minutes are counted.
        "to-connect-me": attrs.evolve(
            _DEFAULTS,
            name="To Connect Me",
            edition="by channels",
            source="https://to-connect.me/blog-news/how-many-channels-do-i-need.html",
        ),
        # MagnusBilling's services with the option "Return credit": if a service ends early, the
        # unused days are refunded. The source does not describe changes; we end the service and
        # sell a new one.
        "magnus-billing": attrs.evolve(
            _DEFAULTS,
            name="MagnusBilling",
            edition="Return credit",
            source="https://wiki.magnusbilling.org/en/source/modules/services/services.html",
            change=ChangeRule(cooldown=None, more=ChangeEffect.RESTART, fewer=ChangeEffect.RESTART),
            refund=RefundRule(),
        ),
    },
    ("offer", "channels of a profile", "term"),
    lambda offer: (offer.full_name, str(offer.quantity), str(offer.term.length)),
    "Offers",
)
