"""The same rules over columns."""

from channelplans.frames import calls, pricing, quantities, renewals, sizing, traffic
from channelplans.frames.calls import *
from channelplans.frames.pricing import *
from channelplans.frames.quantities import *
from channelplans.frames.renewals import *
from channelplans.frames.sizing import *
from channelplans.frames.traffic import *

__all__: list[str] = []
__all__ += calls.__all__
__all__ += pricing.__all__
__all__ += quantities.__all__
__all__ += renewals.__all__
__all__ += sizing.__all__
__all__ += traffic.__all__
