"""What users need to test their side: builders, Hypothesis strategies, the contract of a store.

``builders`` needs nothing but the package; ``strategies`` needs Hypothesis, ``stores`` pytest too,
which the extra ``channelplans[testing]`` brings.
"""
