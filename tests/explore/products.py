"""A made-up tariff for Skype's rules, and the only option of a comparison."""

from channelplans.explore import Product, compare_plans
from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.tariffs import Tariff

TARIFF = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021", rates={"DE": "0.02"})
SKYPE = Product(SKYPE_CONNECT, TARIFF)


def compare_one(need, product=SKYPE):
    """Return the only option of a comparison."""
    (option,) = compare_plans(need, [product]).options
    return option
