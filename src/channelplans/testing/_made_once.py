"""Strategies that are made once: the same arguments give the same strategy.

Hypothesis analyses each new strategy, which takes longer than to draw a value from it. So a
strategy that a composite makes for each example would slow down every test that draws it.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar, cast

from hypothesis import strategies as st

__all__: tuple[str, ...] = ()

_Parameters = ParamSpec("_Parameters")
_Strategy = TypeVar("_Strategy")
_First = TypeVar("_First")
_Second = TypeVar("_Second")

# The number of strategies that each function keeps.
_KEPT = 64


def made_once(make: Callable[_Parameters, _Strategy]) -> Callable[_Parameters, _Strategy]:
    """Return a function that makes the strategy of equal arguments once, and then returns it."""
    reused = cast(Callable[_Parameters, _Strategy], lru_cache(maxsize=_KEPT)(make))

    @wraps(make)
    def strategy(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Strategy:
        return reused(*args, **kwargs)

    return strategy


#: The functions of Hypothesis, but each strategy is made once.
dates = made_once(st.dates)
dictionaries = made_once(st.dictionaries)
lists = made_once(st.lists)
timedeltas = made_once(st.timedeltas)


@made_once
def one_of(
    first: st.SearchStrategy[_First], second: st.SearchStrategy[_Second]
) -> st.SearchStrategy[_First | _Second]:
    """Values of one strategy or of the other; the first gives the simpler examples."""
    return first | second


@made_once
def optional(strategy: st.SearchStrategy[_First]) -> st.SearchStrategy[_First | None]:
    """None, and the values of a strategy."""
    return st.none() | strategy
