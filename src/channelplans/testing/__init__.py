"""What other people's tests import: builders, Hypothesis strategies, the contract of a store.

``builders`` needs only the package, ``strategies`` also Hypothesis, and ``stores`` also pytest. The
extra ``channelplans[testing]`` installs both. This room knows all other rooms; they do not know it.
"""
