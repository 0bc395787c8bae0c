"""The generated part of the embedded corpus: sentences of ours, spoken by ten espeak-ng voices."""

from components.data.generated.rendering import render
from components.data.generated.sentences import training_sentences
from components.data.generated.voices import Speaker, speakers

__all__ = ["Speaker", "render", "speakers", "training_sentences"]
