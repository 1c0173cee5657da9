"""Published offers as named constants, each with its source.

The numbers are the providers'; where a source is silent, the constant's text says what was taken.
For all but Skype's the same is taken where it says nothing: any number of channels, calls counted
by the second, terms of a month from the day of purchase, changes at any time, those to more
prorated and those to fewer from the next term on, and no refund. So nobody uses what is not paid
for, and no money comes back that no source speaks of. Where terms are calendar months, that a first
part of one is prorated is ours as well.
"""

from datetime import timedelta
from typing import Final

import attrs

from channelplans.calendar import Days, Months
from channelplans.money import Rounding
from channelplans.plans import Offer
from channelplans.rules import (
    MOST_CHANNELS,
    BundleRule,
    CallRule,
    ChangeRule,
    Effect,
    Notice,
    QuantityRule,
    RefundBasis,
    RefundRule,
    ShortageRule,
    Step,
    TermRule,
)

__all__ = [
    "DIDWW",
    "EASYBELL_BASIC",
    "EASYBELL_TIER",
    "MAGNUS_BILLING",
    "PREMITEL",
    "SIPGATE_DE",
    "SIPGATE_PACKS",
    "SIPGATE_UK",
    "SIPSTATION",
    "SKYPE_CONNECT",
    "SKYPE_CONNECT_2011",
    "SKYPE_CONNECT_NEAREST",
    "STROBE_IT",
    "TELNYX",
    "TO_CONNECT_ME",
    "VOIP_YONDER",
    "VOYANT",
]

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

_CALENDAR_MONTH: Final = TermRule(Months(1), aligned=True)
_ANYTIME: Final = ChangeRule(cooldown=None, more=Effect.PRORATE, fewer=Effect.NEXT_TERM)

_PLAIN: Final = Offer(
    name="plain",
    edition="what is taken where a source is silent",
    source="none",
    quantity=QuantityRule(1, MOST_CHANNELS),
    bundles=None,
    term=TermRule(Months(1)),
    change=_ANYTIME,
    refund=RefundRule(channels=RefundBasis.NOTHING, bundles=RefundBasis.NOTHING),
    calls=CallRule(minimum=timedelta(0), step=timedelta(seconds=1)),
)

#: The landline packs of sipgate's trunks in Germany, 5,000 minutes each, which stack without limit;
#: what is unused expires with the calendar month. Packs of other sizes are another number here.
#: Packs for mobiles are not in it, nor are landlines and mobiles told apart.
SIPGATE_PACKS: Final = attrs.evolve(
    _PLAIN,
    name="sipgate trunking",
    edition="landline packs of 5,000",
    source="https://help.sipgate.de/trunking/en/kann-ich-minutenpakete-fuer-meinen-trunk-buchen.md",
    bundles=BundleRule("landline pack", 5000, ("DE",), per_channel=None, calling_code="49"),
    term=_CALENDAR_MONTH,
)

#: sipgate's contracts in Germany, for a calendar month. They are switched at any time and at once:
#: the new one is paid pro rata for the month that runs, and what was paid does not come back. That
#: outgoing calls are blocked where credit is out, and incoming ones are not, is not said here. The
#: calendar month and the calls that are blocked are from its description of services,
#: https://www.sipgate.de/leistungsbeschreibung.
SIPGATE_DE: Final = attrs.evolve(
    _PLAIN,
    name="sipgate",
    edition="contracts in Germany",
    source="https://help.sipgate.de/cloud-telefonanlage/en/account-management/"
    "vertrage-rechnungen-und-preise/wie-kann-ich-meinen-tarif-wechseln",
    term=_CALENDAR_MONTH,
    change=ChangeRule(cooldown=None, more=Effect.REBUY, fewer=Effect.REBUY),
)

#: sipgate's plans in the United Kingdom, for a calendar month. More comes at once, prorated for the
#: rest of the month; fewer, and the end, with the month's end. No refund is offered, and a
#: cancellation can be revoked until a day before its date. One made on the last day counts there
#: for the month after; here it still counts for the month that runs.
SIPGATE_UK: Final = attrs.evolve(
    _PLAIN,
    name="sipgate UK",
    edition="monthly plans",
    source="https://teamhelp.sipgate.co.uk/hc/en-gb/articles/204124842-Changing-your-sipgate-plan",
    term=_CALENDAR_MONTH,
)

#: The basic tariffs of easybell's trunks, 2 to 50 lines. Flat options are switched at the end of a
#: month, and so is everything else here. How many minutes the options hold is not published there,
#: so that they are left out.
EASYBELL_BASIC: Final = attrs.evolve(
    _PLAIN,
    name="easybell SIP trunk",
    edition="basic tariffs",
    source="https://easyinttel.de/20210409_easybell-fair-flat-tarife/",
    quantity=QuantityRule(2, 50),
    term=_CALENDAR_MONTH,
    change=ChangeRule(cooldown=None, more=Effect.NEXT_TERM, fewer=Effect.NEXT_TERM),
)

#: The tariffs of easybell's telephone system by devices, which stand for channels here. A larger
#: one is used in the month that runs and paid from the following month on; a change is free of
#: charge, and a smaller one comes at once.
EASYBELL_TIER: Final = attrs.evolve(
    _PLAIN,
    name="easybell Cloud PBX",
    edition="by devices",
    source="https://en.easybell.de/help/cloud-pbx/answer/"
    "how-can-i-change-the-tariff-of-my-cloud-pbx/",
    term=_CALENDAR_MONTH,
    change=ChangeRule(cooldown=None, more=Effect.KEEP, fewer=Effect.KEEP),
)

#: The flat-rate channels of DIDWW. Those added are paid for the days left of the billing cycle, and
#: for their set-up once (``Tariff.channel_setup``). Those removed are gone at once; that nothing
#: comes back for them is ours. Its least order is not published as a number, so that 1 is taken.
#: The removal is from a page of its own,
#: https://doc.didww.com/phone-numbers/capacity/how-to-guides/remove-flat-rate-channels.html.
DIDWW: Final = attrs.evolve(
    _PLAIN,
    name="DIDWW",
    edition="flat-rate channels",
    source="https://doc.didww.com/phone-numbers/capacity/how-to-guides/"
    "purchase-flat-rate-channels.html",
    change=ChangeRule(cooldown=None, more=Effect.PRORATE, fewer=Effect.KEEP),
)

#: The channel billing of Telnyx, for calls that come in. What recurs is charged at the start of
#: each calendar month, by its page on monthly charges,
#: https://support.telnyx.com/en/articles/4425088-reporting-monthly-charges.
TELNYX: Final = attrs.evolve(
    _PLAIN,
    name="Telnyx",
    edition="channel billing",
    source="https://support.telnyx.com/en/articles/1130678-channel-billing-and-how-to-use-it",
    term=_CALENDAR_MONTH,
)

#: The trunks of Voyant that are sold by concurrent call sessions. Calls that come in and local ones
#: are free; these have no place here, since a country is not divided.
VOYANT: Final = attrs.evolve(
    _PLAIN,
    name="Voyant",
    edition="CCS",
    source="https://help.voyant.com/en/articles/2508247-sip-trunking-rate-plans-ccs-or-paygo",
)

#: The trunks of SIPStation, each with one channel and a soft cap of 3,000 minutes, taken as minutes
#: that come with it. Its end comes at once (``terminate``) and for good, and nothing is refunded
#: for the days that remain, by another page of its wiki,
#: https://wiki.freepbx.org/pages/diffpagesbyversion.action?pageId=4620400&selectedPageVersions=30&selectedPageVersions=31.
SIPSTATION: Final = attrs.evolve(
    _PLAIN,
    name="SIPStation",
    edition="High Volume Voice",
    source="https://wiki.freepbx.org/display/ST/Trunk+FAQ",
    bundles=BundleRule("soft cap", 0, ("US",), per_channel=0, included=3000),
)

#: Premitel's smallest tariff, with 200 minutes a line to numbers that begin with 01, 02, 03 or 07,
#: of which its page means those of some mobile networks, which no prefix can tell: here it is all
#: of them. The other two hold 800 and 2,000. Beyond them landlines and mobiles differ in price,
#: which a tariff of one price for each country cannot say.
PREMITEL: Final = attrs.evolve(
    _PLAIN,
    name="Premitel VoIP Phone Service",
    edition="Bronze",
    source="https://www.premitel.uk/services/voip-phone-service/tariff-information/",
    bundles=BundleRule(
        "inclusive minutes",
        0,
        ("GB",),
        per_channel=0,
        excluded_prefixes=("4", "5", "6", "8", "9", "04", "05", "06", "08", "09"),
        calling_code="44",
        included=200,
    ),
)

#: The plans of Strobe IT, five channels for 12 months, paid by the month. Their minutes are not
#: published there; calls beyond them are counted by the second. The set-up fee belongs in the
#: tariff. The page is marked as old, and promises that plans are easily upgraded while a contract
#: runs, which a rule of five to five cannot say.
STROBE_IT: Final = attrs.evolve(
    _PLAIN,
    name="Strobe IT",
    edition="SIP plan",
    source="https://strobeit.servicedesk.comodo.com/kb/faq.php?id=120",
    quantity=QuantityRule(5, 5),
    term=TermRule(Months(1), holding=Months(12)),
)

#: The add-ons of VoIP Yonder, of which that of 2,000 minutes is taken. They take effect at once and
#: add up, and renew on the 1st; that one added later costs what it would have cost from the first
#: day of the term is ours. Where funds are short, all of them are removed. The minutes are shared
#: by an account's connections, which are one profile here.
VOIP_YONDER: Final = attrs.evolve(
    _PLAIN,
    name="VoIP Yonder",
    edition="add-ons of 2,000",
    source="https://voipyonder.com/packages&offers.php",
    bundles=BundleRule("add-on", 2000, ("GB",), per_channel=None, calling_code="44"),
    term=_CALENDAR_MONTH,
    change=ChangeRule(cooldown=None, more=Effect.FULL, fewer=Effect.NEXT_TERM),
    shortage=ShortageRule(drops_bundles=True),
)

#: The channels of To Connect Me, with calls without limit, so that there are no minutes to count.
TO_CONNECT_ME: Final = attrs.evolve(
    _PLAIN,
    name="To Connect Me",
    edition="by channels",
    source="https://to-connect.me/blog-news/how-many-channels-do-i-need.html",
)

#: The services of MagnusBilling with its option "Return credit". What is left of a month comes back
#: by its unused days when a service ends early; that a change is an end and a new service is ours.
MAGNUS_BILLING: Final = attrs.evolve(
    _PLAIN,
    name="MagnusBilling",
    edition="Return credit",
    source="https://wiki.magnusbilling.org/en/source/modules/services/services.html",
    change=ChangeRule(cooldown=None, more=Effect.REBUY, fewer=Effect.REBUY),
    refund=RefundRule(),
)
