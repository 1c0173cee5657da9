"""Refuse an object that is no store of the right kind before anything is committed."""

from inspect import iscoroutinefunction
from typing import Final, TypeVar

from channelplans._checks import shown
from channelplans.errors import WrongType
from channelplans.storage.ports import Store

__all__: tuple[str, ...] = ()

T = TypeVar("T")

#: The names of the methods that every store has.
_METHODS: Final = tuple(sorted(name for name in vars(Store) if not name.startswith("_")))


def check_store(store: T) -> T:
    """Return a store; refuse a class, which is often passed by mistake instead of an instance."""
    if isinstance(store, type):
        raise WrongType("store", shown(store), f"a store, such as {store.__name__}()")
    return store


def _check_methods(store: T) -> T:
    """Return a store; refuse an object that lacks methods, before an action needs them."""
    check_store(store)
    missing = [name for name in _METHODS if not callable(getattr(store, name, None))]
    if missing:
        expected = f"a store with all methods of storage.Store (missing: {', '.join(missing)})"
        raise WrongType("store", shown(store), expected)
    return store


def check_synchronous(store: T) -> T:
    """Return a store; refuse an asynchronous one, whose commits would never run."""
    if iscoroutinefunction(getattr(_check_methods(store), "commit", None)):
        expected = "a synchronous store; AsyncBilling works over an asynchronous one"
        raise WrongType("store", shown(store), expected)
    return store


def check_asynchronous(store: T) -> T:
    """Return a store; refuse one whose ``commit`` is not ``async def``, before it commits."""
    if not iscoroutinefunction(getattr(_check_methods(store), "commit", None)):
        expected = "an asynchronous store (async def); Billing works over a synchronous one"
        raise WrongType("store", shown(store), expected)
    return store
