"""What stands after `@` for an encoder of several vectors: how they are kept, and how candidates are found.

    colbert:v2                             kept as the encoder says, every document scored
    colbert:v2@int8                        kept otherwise: float32, float16, int8, residual1, residual2, residual4
    colbert:v2@[IVF1024,PQ16;nprobe=10]    candidates from a faiss index over the token vectors
    colbert:v2@[int8,IVF1024,PQ16;nearest=500]   both; each of the query's vectors finds 500 (k')
    colbert:v2@plaid2                      PLAID by fast-plaid, two bits a dimension (1, 2, 4 or 8)

What is not given has a declared default, and stands in the protocol.
"""

from __future__ import annotations

import re

from benchmarks.errors import UsageError
from benchmarks.interfaces import TokenEncoder
from benchmarks.retrieval.codecs import Bytes, Codec, Floats
from benchmarks.retrieval.late import LateInteraction
from benchmarks.retrieval.latecandidates import CandidateSearch
from benchmarks.retrieval.lateplaid import DEFAULTS, PlaidSearch
from benchmarks.retrieval.residual import Residual
from benchmarks.spec import IndexKey

STORED = ("float32", "float16", "int8", "residual1", "residual2", "residual4")
NEAREST, NPROBE = 1_000, 128
"""k', and cells that each of the query's vectors goes to, where they are not given.

More than for single vectors: a document is lost when no vector of the query meets one of its own. With MiniLM's token
vectors of 18,432 passages of trec-dl-pool, the 43 queries of 2019, IVF1024,PQ16 and k' = 1,000, 64 cells find 0.988
of the exact ten best and 128 cells 0.998.
"""
_PLAID = re.compile("plaid([1248])")


def late_interaction(encoder: TokenEncoder, key: IndexKey | None, seed: int) -> LateInteraction:
    """What searches an encoder's token vectors in the way of `key`. Raises `UsageError`."""
    key = key or IndexKey("")
    first, _, rest = key.factory.partition(",")
    stored, factory = (first, rest) if first in STORED else (encoder.token_vectors, key.factory)
    codec = codec_of(stored, seed)
    parameters = dict(key.parameters)
    if not factory:
        if parameters:
            raise UsageError(
                f"@{key}: {', '.join(parameters)} goes with a faiss index; without one all are scored"
            )
        return LateInteraction(encoder, codec, seed)
    if plaid := _PLAID.fullmatch(key.factory):
        if unknown := parameters.keys() - DEFAULTS:
            raise UsageError(
                f"@{key}: plaid has no parameter {', '.join(unknown)}; it has {', '.join(DEFAULTS)}"
            )
        return PlaidSearch(encoder, int(plaid[1]), parameters, seed)
    if any(part in STORED for part in factory.split(",")):
        raise UsageError(f"@{key}: how vectors are kept comes first, then the faiss key")
    nearest = parameters.pop("nearest", NEAREST)
    if nearest < 1:
        raise UsageError(f"@{key}: nearest is a number from 1 on")
    if "IVF" in factory:
        parameters.setdefault("nprobe", NPROBE)
    return CandidateSearch(encoder, codec, IndexKey(factory, tuple(parameters.items())), nearest, seed)


def codec_of(stored: str, seed: int) -> Codec:
    """The codec of a name among `STORED`."""
    if stored == "int8":
        return Bytes()
    if stored.startswith("residual"):
        return Residual(int(stored.removeprefix("residual")), seed)
    return Floats(stored)


def is_for_tokens(key: IndexKey | None) -> bool:
    """Whether a key says what only encoders of several vectors have."""
    if key is None:
        return False
    first = key.factory.split(",")[0]
    return first in STORED or first.startswith("plaid") or "nearest" in dict(key.parameters)
