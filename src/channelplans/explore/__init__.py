"""Answers for people who choose a plan.

This room may use the kernel, subscriptions and storage. It does no input or output.
"""

from channelplans.explore import comparison, needs
from channelplans.explore.comparison import *
from channelplans.explore.needs import *

__all__: list[str] = []
__all__ += comparison.__all__
__all__ += needs.__all__
