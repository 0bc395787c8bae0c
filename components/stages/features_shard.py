"""A share of a model's features, computed ahead of the stage: several tasks at once, on several nodes.

No stage of its own, so it has no record and no skip key: what it computes waits beside the store, keyed by
content, where the features stage finds what a killed run had computed as well. The stage then computes what
is missing, nothing as a rule, and writes the store that it would have written alone.
"""

from __future__ import annotations

from components import catalogue
from components.core.errors import BadInputError
from components.core.extraction import FeatureReport
from components.core.stage_graph import stage
from components.stages.corpus_at_hand import corpus_at_hand
from components.stages.features import extract
from components.stages.runner import Request, context_of


def extract_shard(request: Request, shard: str) -> FeatureReport:
    """Compute share ``shard`` of the features of the request's model.

    Args:
        request: of the stage ``features``.
        shard: ``<number>/<of how many>``, the number from 0.

    Raises:
        BadInputError: no such share.
        ValidationBlockedError: these data were refused, or never validated.
        DataError: no corpus, or no row of it that the model can use.
    """
    number, _, count = shard.partition("/")
    if not (number.isdecimal() and count.isdecimal() and int(number) < int(count)):
        raise BadInputError(
            who="--shard",
            expected="a number from 0 and how many there are, such as 0/4",
            found=repr(shard),
            action="correct it",
        )
    catalogue.spec(str(request.model))
    with corpus_at_hand(stage(request.stage), context_of(request)) as context:
        return extract(context, (int(number), int(count)))
