"""The outcomes of a run as a tuple that displays itself: what was done, and what failed."""

from collections import Counter
from collections.abc import Iterator

from channelplans._display import DisplayMixin, Table, counted, make_long_table
from channelplans.errors import cut
from channelplans.storage.ports import Outcome

__all__: tuple[str, ...] = ()


class Outcomes(tuple[Outcome, ...], DisplayMixin):
    """A tuple of outcomes, which ``print`` and a notebook show as a table."""

    __slots__ = ()

    def _describe(self) -> Iterator[str | Table]:
        if not self:
            yield "Nothing was due."
            return
        results = Counter(outcome.result for outcome in self)
        listed = ", ".join(f"{result}: {count:,}" for result, count in results.items())
        yield f"{counted(len(self), 'outcome')}; {listed}"
        yield make_long_table(
            ("account", "profile", "term", "result", "reason"),
            self,
            _make_row,
            caption="What the run did",
            source="the tuple",
        )


def _make_row(outcome: Outcome) -> tuple[str, ...]:
    return (
        cut(outcome.account),
        cut(outcome.profile or ""),
        str(outcome.term or ""),
        outcome.result,
        outcome.reason,
    )
