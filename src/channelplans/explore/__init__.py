"""Answers for people who choose a plan: what call records say about the channels needed.

This room knows the kernel. It may know subscriptions and storage, but none of them knows it. It
does not know a file format or a database: callers pass rows and values.
"""

from channelplans.explore import call_logs, replays, traffic
from channelplans.explore.call_logs import *
from channelplans.explore.replays import *
from channelplans.explore.traffic import *

__all__: list[str] = []
__all__ += call_logs.__all__
__all__ += replays.__all__
__all__ += traffic.__all__
