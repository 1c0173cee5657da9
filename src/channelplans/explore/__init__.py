"""Answers for people who choose a plan: traffic, the cheapest plan for a need, and forecasts.

This room may use the kernel, subscriptions and storage, and none of them knows it. It does not know
a file format or a database: callers pass rows and values.

``charts`` needs matplotlib, so the room does not import it: ``from channelplans.explore import
charts``.
"""

from channelplans.explore import (
    call_logs,
    comparison,
    forecasting,
    forecasts,
    needs,
    plan_options,
    replays,
    traffic,
)
from channelplans.explore.call_logs import *
from channelplans.explore.comparison import *
from channelplans.explore.forecasting import *
from channelplans.explore.forecasts import *
from channelplans.explore.needs import *
from channelplans.explore.plan_options import *
from channelplans.explore.replays import *
from channelplans.explore.traffic import *

__all__: list[str] = []
__all__ += call_logs.__all__
__all__ += comparison.__all__
__all__ += forecasting.__all__
__all__ += forecasts.__all__
__all__ += needs.__all__
__all__ += plan_options.__all__
__all__ += replays.__all__
__all__ += traffic.__all__
