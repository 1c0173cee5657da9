"""Exact rules for selling call channels: what is sold, what it costs, when it renews.

Import the names that most programs need from here, and all other names from their module or
subpackage, such as ``channelplans.offers`` or ``channelplans.subscriptions``. A module is loaded
when a program first uses a name of it.
"""

import sys
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from channelplans.allowances import Allowance as Allowance
    from channelplans.calendar import (
        Days as Days,
        Months as Months,
        Term as Term,
        civil_date as civil_date,
        renewal_dates as renewal_dates,
        term_at as term_at,
    )
    from channelplans.calls import (
        Call as Call,
        RatedCall as RatedCall,
        billable as billable,
        covered as covered,
        longest_call as longest_call,
        rate_call as rate_call,
    )
    from channelplans.erlang import (
        channels_for as channels_for,
        engset as engset,
        erlang_b as erlang_b,
        load_for as load_for,
    )
    from channelplans.errors import (
        ChannelPlansError as ChannelPlansError,
        Conflict as Conflict,
        InsufficientCredit as InsufficientCredit,
        InvalidValue as InvalidValue,
        RuleError as RuleError,
        TokenReused as TokenReused,
        WrongType as WrongType,
    )
    from channelplans.money import (
        EUR as EUR,
        GBP as GBP,
        JPY as JPY,
        PLN as PLN,
        USD as USD,
        Currency as Currency,
        Money as Money,
        Rounding as Rounding,
    )
    from channelplans.offers import SKYPE_CONNECT as SKYPE_CONNECT
    from channelplans.plans import Offer as Offer, Plan as Plan, violations as violations
    from channelplans.pricing import (
        Line as Line,
        Quote as Quote,
        Refund as Refund,
        amend_quote as amend_quote,
        quote as quote,
        refund as refund,
    )
    from channelplans.quantities import (
        Quantity as Quantity,
        QuantityRule as QuantityRule,
        Step as Step,
        normalize_quantity as normalize_quantity,
        profiles_for as profiles_for,
        split_profiles as split_profiles,
    )
    from channelplans.rules import (
        BundleRule as BundleRule,
        CallRule as CallRule,
        ChangeEffect as ChangeEffect,
        ChangeRule as ChangeRule,
        NonPaymentRule as NonPaymentRule,
        Notice as Notice,
        RefundBasis as RefundBasis,
        RefundRule as RefundRule,
        Rollover as Rollover,
        TermRule as TermRule,
        check_change as check_change,
        validate_bundles as validate_bundles,
    )
    from channelplans.sizing import (
        DEFAULT_GUIDELINE as DEFAULT_GUIDELINE,
        Guideline as Guideline,
        Suggestion as Suggestion,
        suggest_channels as suggest_channels,
    )
    from channelplans.storage import (
        AsyncBilling as AsyncBilling,
        AsyncStore as AsyncStore,
        Billing as Billing,
        MemoryStore as MemoryStore,
        Outcome as Outcome,
        Preview as Preview,
        Store as Store,
        decode as decode,
        encode as encode,
    )
    from channelplans.subscriptions import (
        Action as Action,
        Catalogue as Catalogue,
        Decision as Decision,
        Edition as Edition,
        Invoice as Invoice,
        Migration as Migration,
        Posting as Posting,
        PriceBook as PriceBook,
        Reason as Reason,
        Statement as Statement,
        Status as Status,
        Subscription as Subscription,
        Transfer as Transfer,
        Wallet as Wallet,
        assign_credit as assign_credit,
        buy as buy,
        cancel as cancel,
        change as change,
        charge as charge,
        compare_editions as compare_editions,
        deposit as deposit,
        expire as expire,
        expire_credit as expire_credit,
        lapse as lapse,
        record_call as record_call,
        renew as renew,
        resume as resume,
        settle as settle,
        take_back_credit as take_back_credit,
        terminate as terminate,
    )
    from channelplans.tariffs import (
        Ladder as Ladder,
        LadderMode as LadderMode,
        Rate as Rate,
        Tariff as Tariff,
        Tier as Tier,
    )

__version__: Final = "0.1.0"

#: The module or subpackage of each name.
_HOMES: Final = MappingProxyType(
    {
        name: f"channelplans.{module}"
        for module, names in {
            "calendar": "Days Months Term civil_date renewal_dates term_at",
            "allowances": "Allowance",
            "calls": "Call RatedCall billable covered longest_call rate_call",
            "erlang": "channels_for engset erlang_b load_for",
            "errors": (
                "ChannelPlansError Conflict InsufficientCredit InvalidValue RuleError "
                "TokenReused WrongType"
            ),
            "money": "EUR GBP JPY PLN USD Currency Money Rounding",
            "offers": "SKYPE_CONNECT",
            "plans": "Offer Plan violations",
            "pricing": "Line Quote Refund amend_quote quote refund",
            "quantities": (
                "Quantity QuantityRule Step normalize_quantity profiles_for split_profiles"
            ),
            "rules": (
                "BundleRule CallRule ChangeEffect ChangeRule NonPaymentRule Notice "
                "RefundBasis RefundRule Rollover TermRule check_change validate_bundles"
            ),
            "sizing": "DEFAULT_GUIDELINE Guideline Suggestion suggest_channels",
            "storage": (
                "AsyncBilling AsyncStore Billing MemoryStore Outcome Preview Store decode encode"
            ),
            "subscriptions": (
                "Action Catalogue Decision Edition Invoice Migration Posting PriceBook Reason "
                "Statement Status Subscription Transfer Wallet assign_credit buy cancel change "
                "charge compare_editions deposit expire expire_credit lapse record_call renew "
                "resume settle take_back_credit terminate"
            ),
            "tariffs": "Ladder LadderMode Rate Tariff Tier",
        }.items()
        for name in names.split()
    }
)

if not TYPE_CHECKING:
    __all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - all items are strings

    def __getattr__(name: str) -> object:
        """Load a name when it is first used, and keep it for later uses."""
        if name not in _HOMES:
            raise AttributeError(f"module 'channelplans' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value

    def __dir__() -> list[str]:
        """Return every name, loaded or not."""
        return sorted({*globals(), *__all__})


# Hypothesis calls this hook when it is imported. If that was earlier, the hook needs another call.
if "_channelplans_hypothesis" in sys.modules:
    sys.modules["_channelplans_hypothesis"].register()
