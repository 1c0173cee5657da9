"""The contract of a store: the tests that every store must pass, one module for each promise.

``StoreContract`` and ``AsyncStoreContract`` in ``channelplans.testing.stores`` put the tests
together. These modules know the ports of ``channelplans.storage``, and no particular store.

Modules of tests, and what each promises:

- ``reads``: a read returns every field as it was committed, for any identifier and any amount, by
  value date; two accounts share nothing.
- ``tokens``: an equal decision is committed once; a token is refused for a different decision.
- ``commits``: a commit checks in a fixed order, and stores everything or nothing; a wallet ends
  below zero only if the decision says that it may.
- ``due``: a subscription is due from the end of its term, if it is active or cancelled; due
  subscriptions are sorted, and can be selected by account and by shard.
- ``paging``: the pages of every method are complete, even if others commit meanwhile.
- ``concurrency``: commits of several threads act like the same commits one after the other; a
  commit that is cancelled stores everything or nothing.
- ``durability``: other processes find everything that was committed, and can continue.
- ``state_machine``: after any sequence of commits, the store agrees with a model in plain dicts.

Modules that the tests use:

- ``checked_store``: calls a store and checks each answer; its methods are also the shared checks.
- ``helpers``: decisions in one line, and the first commits of several tests.
- ``crowd``: workers in threads and processes, and the check of the books after them.
"""
