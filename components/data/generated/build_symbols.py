"""``python -m components.data.generated.build_symbols``: adds symbols that the corpus needs to the inventory.

New symbols are appended in sorted order; existing lines never move, because their place is part of checkpoints.
The corpus is every training sentence of every language under the seed of params.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable

from components.core.storage import write_text
from components.core.utterance import LANGUAGES
from components.data.generated.sentences import training_sentences
from components.espeak import phonemes
from components.text import SPECIAL, inventory, spoken
from components.text.symbols import INVENTORY_FILE


def corpus_symbols(seed: int) -> set[str]:
    """Every symbol that occurs in the training sentences."""
    return {
        symbol
        for language in LANGUAGES
        for sentence in training_sentences(language, seed)
        for symbol in phonemes(spoken(sentence, language), language)
    }


def extended(existing: Iterable[str], needed: set[str]) -> list[str]:
    """The inventory with the missing symbols appended."""
    kept = list(existing) or list(SPECIAL)
    return [*kept, *sorted(needed - set(kept))]


def main() -> None:
    """Rewrite symbols.txt."""
    from components.catalogue import load
    from components.core.paths import project_root

    seed = load(project_root(), None).seed
    lines = extended(inventory(), corpus_symbols(seed))
    write_text(INVENTORY_FILE, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
