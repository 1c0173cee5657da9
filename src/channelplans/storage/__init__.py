"""Storage: the ports that a store implements, the codec, a store in memory, the billing service.

This room knows the kernel and subscriptions. It knows no database and does not read or write files:
an application writes its own ``Store`` or ``AsyncStore``.
"""

from channelplans.storage import billing, codec, memory, ports
from channelplans.storage.billing import *
from channelplans.storage.codec import *
from channelplans.storage.memory import *
from channelplans.storage.ports import *

__all__: list[str] = []
__all__ += billing.__all__
__all__ += codec.__all__
__all__ += memory.__all__
__all__ += ports.__all__
