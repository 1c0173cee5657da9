"""Subscriptions, the wallets that pay for them, and the editions that they are sold by.

Every action is a function from values to a decision. This room knows the kernel. It does not know
how a decision is committed, and it reads no clock.
"""

from channelplans.subscriptions import (
    actions,
    call_records,
    catalogue,
    credit_lots,
    decisions,
    identifiers,
    invoice_lines,
    invoices,
    price_books,
    price_changes,
    subscription,
    transfers,
    transitions,
    wallets,
)
from channelplans.subscriptions.actions import *
from channelplans.subscriptions.call_records import *
from channelplans.subscriptions.catalogue import *
from channelplans.subscriptions.credit_lots import *
from channelplans.subscriptions.decisions import *
from channelplans.subscriptions.identifiers import *
from channelplans.subscriptions.invoice_lines import *
from channelplans.subscriptions.invoices import *
from channelplans.subscriptions.price_books import *
from channelplans.subscriptions.price_changes import *
from channelplans.subscriptions.subscription import *
from channelplans.subscriptions.transfers import *
from channelplans.subscriptions.transitions import *
from channelplans.subscriptions.wallets import *

__all__: list[str] = []
__all__ += actions.__all__
__all__ += call_records.__all__
__all__ += catalogue.__all__
__all__ += credit_lots.__all__
__all__ += decisions.__all__
__all__ += identifiers.__all__
__all__ += invoice_lines.__all__
__all__ += invoices.__all__
__all__ += price_books.__all__
__all__ += price_changes.__all__
__all__ += subscription.__all__
__all__ += transfers.__all__
__all__ += transitions.__all__
__all__ += wallets.__all__
