"""Run by PyLate's own interpreter: encodes texts with PyLate and saves the matrices.

python with_pylate.py MODEL TEXTS.json OUT.npz
"""

import json
import sys
from pathlib import Path

import numpy as np
from pylate import models, scores

folder, given, out = sys.argv[1:]
model = models.ColBERT(
    folder, device="cpu", query_prefix="[unused0]", document_prefix="[unused1]", query_length=32,
    document_length=220, attend_to_expansion_tokens=False,
)  # fmt: skip
texts = json.loads(Path(given).read_text("utf-8"))
queries = model.encode(texts, is_query=True, show_progress_bar=False)
documents = model.encode(texts, is_query=False, show_progress_bar=False)
pairs = [float(scores.colbert_scores([q], [d])[0, 0]) for q, d in zip(queries, documents, strict=True)]
np.savez(
    out, scores=np.array(pairs),
    **{f"query{place}": matrix for place, matrix in enumerate(queries)},
    **{f"document{place}": matrix for place, matrix in enumerate(documents)},
)  # fmt: skip
