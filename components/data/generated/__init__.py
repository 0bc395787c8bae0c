"""The generated part of the embedded corpus: sentences of ours, spoken by ten espeak-ng voices."""

from components.data.generated.rendering import recorded, render, said
from components.data.generated.sentences import training_sentences
from components.data.generated.voices import Speaker, speakers

__all__ = ["Speaker", "recorded", "render", "said", "speakers", "training_sentences"]
