"""Refuse an object that is no store of the right kind before anything is committed."""

from inspect import iscoroutinefunction
from typing import TypeVar

from channelplans._checks import shown
from channelplans.errors import WrongType

__all__: tuple[str, ...] = ()

T = TypeVar("T")


def check_store(store: T) -> T:
    """Return a store; refuse a class, which is often passed by mistake instead of an instance."""
    if isinstance(store, type):
        raise WrongType("store", shown(store), f"a store, such as {store.__name__}()")
    return store


def check_synchronous(store: T) -> T:
    """Return a store; refuse an asynchronous one, whose commits would never run."""
    if iscoroutinefunction(getattr(check_store(store), "commit", None)):
        expected = "a synchronous store; AsyncBilling works over an asynchronous one"
        raise WrongType("store", shown(store), expected)
    return store


def check_asynchronous(store: T) -> T:
    """Return a store; refuse one whose ``commit`` is not ``async def``, before it commits."""
    if not iscoroutinefunction(getattr(check_store(store), "commit", None)):
        expected = "an asynchronous store (async def); Billing works over a synchronous one"
        raise WrongType("store", shown(store), expected)
    return store
