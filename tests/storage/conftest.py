"""Both billing services over a store that can be interrupted."""

import asyncio

import pytest
from tests.storage.services import (
    PURCHASE_DAY,
    TARIFF,
    AsyncStoreOver,
    BlockingBilling,
    InterruptedStore,
    euros,
    open_account,
    subscription_of,
)

from channelplans.storage.billing import AsyncBilling, Billing


@pytest.fixture(params=[Billing, AsyncBilling])
def make_billing(request):
    """Return a factory of one of the two billing services; its calls block."""
    if request.param is Billing:
        yield lambda store, prices=TARIFF: Billing(store, prices=prices)
        return
    with asyncio.Runner() as runner:
        yield lambda store, prices=TARIFF: BlockingBilling(
            AsyncBilling(AsyncStoreOver(store), prices=prices), runner
        )


@pytest.fixture
def store():
    """Return an empty store that records calls and can be interrupted."""
    return InterruptedStore()


@pytest.fixture
def billing(make_billing, store):
    """Return a billing service over the store, with the same tariff for everyone."""
    return make_billing(store)


@pytest.fixture
def berlin(store):
    """Buy a plan for berlin, assign 20.00 to berlin's wallet, and return the subscription."""
    open_account(store)
    Billing(store, prices=TARIFF).assign_credit(
        "acme", "berlin", euros("20"), transfer="assigned", on=PURCHASE_DAY
    )
    return subscription_of(store)
