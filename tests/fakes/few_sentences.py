"""A few of the 120 sentences: enough for every figure of a converter, and each said once."""

from __future__ import annotations

from pathlib import Path

from components import catalogue
from components.core.params import Params
from components.core.paths import project_root
from components.data.csv_table import table_text
from components.evaluation.sentences import Sentence, load_sentences

CI = catalogue.load(project_root(), "ci")
#: Eleven others of a source's voice then make its centroid.
SENTENCES_PER_LANGUAGE = 6
COUNT = 4 * SENTENCES_PER_LANGUAGE


def few_sentences(root: Path) -> Params:
    """The ci profile with a few of the sentences, each said once; the table is written into ``root``."""
    every = load_sentences(CI.evaluation.sentences, CI.kpi)
    rows = [s for s in every if int(s.sentence_id[3:]) <= SENTENCES_PER_LANGUAGE]
    table = table_text(tuple(Sentence.model_fields), [list(map(str, vars(s).values())) for s in rows])
    (root / "sentences.csv").write_text(table, encoding="utf-8")
    kpi = CI.kpi.model_copy(update={"sentences_per_language": SENTENCES_PER_LANGUAGE})
    told = {"sentences": str(root / "sentences.csv"), "latency_repeats": 1}
    return CI.model_copy(update={"kpi": kpi, "evaluation": CI.evaluation.model_copy(update=told)})
