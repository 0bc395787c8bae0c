"""Base classes of every parameter section, and what a model's section is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """A section of params.yaml. Strict: ``1`` is not ``"1"``; frozen; an unknown key is an error."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Bilingual(Section):
    """A text that reports print: Korean on Korean pages, English on English ones."""

    ko: str = Field(min_length=1)
    en: str = Field(min_length=1)


_Narrow = TypeVar("_Narrow", bound=Section)


def narrowed(section: Section, kind: type[_Narrow]) -> _Narrow:
    """The section as the type that its room defined; the catalogue loads no other, so this is a guard.

    Raises:
        TypeError: it is another section.
    """
    if not isinstance(section, kind):
        raise TypeError(f"{kind.__module__}.{kind.__name__} expected, found {type(section).__name__}")
    return section


class Definition(Section):
    """One of the 12 definitions (model × {architecture, training, inference}) of the parameter sheet."""


class LimitedOutput(Section):
    """A model whose samples are kept within full scale; `components.nn.limiter` says how."""

    limiter_knee: float = Field(gt=0, lt=1, description="of full scale; samples above it are bent")
    peak_limit: float = Field(gt=0, lt=1, description="of full scale; what the bend never reaches")

    @model_validator(mode="after")
    def _limiter_bends(self) -> Self:
        if self.limiter_knee >= self.peak_limit:
            message = f"limiter_knee {self.limiter_knee} is not below peak_limit {self.peak_limit}"
            raise ValueError(message)
        return self


class MelSection(Section):
    """What a mel is made of; `components.features.mel` says how."""

    sample_rate_hz: int = Field(gt=0)
    n_fft: int = Field(gt=0)
    hop_length: int = Field(gt=0)
    win_length: int = Field(gt=0)
    n_mels: int = Field(gt=0)
    fmin_hz: float = Field(ge=0)
    fmax_hz: float = Field(gt=0)

    @model_validator(mode="after")
    def _analysis_agrees(self) -> Self:
        if self.fmax_hz > self.sample_rate_hz / 2:
            message = f"fmax_hz {self.fmax_hz} lies above half the sample rate {self.sample_rate_hz}"
            raise ValueError(message)
        if not self.hop_length <= self.win_length <= self.n_fft:
            message = f"hop {self.hop_length} ≤ win {self.win_length} ≤ n_fft {self.n_fft} does not hold"
            raise ValueError(message)
        return self


class TrainingRun(Section):
    """What every ``training`` section says of a run, whatever network it trains; models add their own."""

    batch_size: int = Field(gt=0)
    gradient_accumulation: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    betas: tuple[float, float] = Field(strict=False)
    max_steps: int = Field(gt=0)
    max_cpu_seconds: float = Field(ge=0, description="0: no limit")
    checkpoint_every_steps: int = Field(gt=0)
    validate_every_steps: int = Field(gt=0)
    keep_checkpoints: int = Field(ge=2, description="the newest may turn out corrupt")
    max_skipped_steps: int = Field(ge=0)
    ema_decay: float = Field(ge=0, lt=1)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    anneal_share: float = Field(
        ge=0, le=1, description="last share of the budget; the rate falls to 0 over it"
    )
    log_every_steps: int = Field(gt=0, description="steps between two points of a curve")
    delivered_dtype: Literal["float32", "float16"] = Field(description="of the stored weights")


class Resources(Section):
    """What one GPU stage of a model asks of Kubernetes."""

    gpus: int = Field(ge=0, description="whole GPUs a node; 52 GB does not fit a MIG slice")
    nodes: int = Field(ge=1, description="nodes that train together, each with that many GPUs")
    cpu: str = Field(description="Kubernetes quantity")
    memory: str = Field(description="Kubernetes quantity")
    shm: str = Field(description="size of /dev/shm, for data loader workers")
    scratch: str = Field(description="size of the scratch emptyDir")


#: What a model makes of what.
ModelKind = Literal["text_to_speech", "prompted_speech", "voice_conversion", "lip_sync"]


class ModelSection(Section):
    """``models.<name>``; each model's params.py narrows the three definitions.

    Facts about the model stand here as well, so that nobody has to load its network to learn them: ``kind``;
    ``features_need``, the auxiliary networks that its features are made with; ``learns_from``, the one that
    is its loss, "" for none.
    """

    kind: ClassVar[ModelKind]
    features_need: ClassVar[tuple[str, ...]] = ()
    learns_from: ClassVar[str] = ""

    architecture: Definition
    training: Definition
    inference: Definition
    resources: Resources

    @classmethod
    def further_stages(cls) -> tuple[str, ...]:
        """Stages of the graph that not every model has (``declared``)."""
        return ("expert",) if cls.learns_from else ()

    def served_by(self) -> tuple[str, ...]:
        """Auxiliary networks whose delivered weights (``pretrained/``) this model cannot do without."""
        return ()

    def definitions(self) -> dict[str, dict[str, Any]]:
        """The three definitions as plain values, in sheet order."""
        return {kind: getattr(self, kind).model_dump() for kind in ("architecture", "training", "inference")}


class AuxiliarySection(Section):
    """``auxiliaries.<name>``: a network that serves the models; trained by `make pretrain`, else frozen."""

    architecture: Section
    training: Section

    def misfit(self, card: Mapping[str, Any] | None) -> tuple[str, str] | None:
        """What is asked for and what was delivered, where the two do not go together; None where they do.

        Asked before a training, so that nobody learns at its end that nothing can be heard or judged. Loading
        the weights checks the same again, and that they are whole.

        Args:
            card: of the delivered network; None: none was delivered.
        """
        return None if card is not None else ("weights", "none")


def differences(asked: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, str] | None:
    """``name value, …`` of both sides where they differ, for `AuxiliarySection.misfit`; None: nowhere.

    Args:
        asked: name → value, of everything that counts.
        found: of a card, which may hold more.
    """
    names = [name for name, value in asked.items() if found.get(name) != value]
    if not names:
        return None
    told = [", ".join(f"{name} {side.get(name)}" for name in names) for side in (asked, found)]
    return told[0], told[1]
