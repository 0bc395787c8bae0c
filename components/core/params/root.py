"""The whole of params.yaml."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Self

from pydantic import Field, SerializeAsAny, model_validator

from components.core.params.base import AuxiliarySection, ModelSection, Section
from components.core.params.captions import CaptionParams
from components.core.params.data import AudioParams, DataParams
from components.core.params.experiment import ExperimentParams
from components.core.params.kpi import EvaluationParams, KpiParams
from components.core.params.pipeline import PipelineParams
from components.core.params.platform import PlatformParams, ReportParams
from components.core.params.review import ReviewParams

MODEL_NAMES = ("rvc", "vallex", "fastpitch", "wav2lip")

#: In a stage's sections: of ``auxiliaries`` only those that the features of its model are made with.
FEATURE_AUXILIARIES = "auxiliaries.features"
#: Likewise the one that its model learns from.
EXPERT_AUXILIARY = "auxiliaries.expert"
#: What a vocoder and the model before it must agree on.
_MEL = ("sample_rate_hz", "n_fft", "hop_length", "win_length", "n_mels", "fmin_hz", "fmax_hz")
_NARROWED = ("models", FEATURE_AUXILIARIES, EXPERT_AUXILIARY)

#: What lip sync and the networks that know lips must agree on besides.
_SYNCNETS = ("syncnet", "sync_judge")
_LIPS = ("image_size", "fps", "preemphasis", "mel_window_frames", "video_window_frames")


class Params(Section):
    """Every number of the platform, typed."""

    version: str
    seed: int = Field(ge=0)
    audio: AudioParams
    data: DataParams
    kpi: KpiParams
    evaluation: EvaluationParams
    captions: CaptionParams
    pipeline: PipelineParams
    platform: PlatformParams
    report: ReportParams
    review: ReviewParams
    experiment: ExperimentParams
    models: dict[str, SerializeAsAny[ModelSection]]
    auxiliaries: dict[str, SerializeAsAny[AuxiliarySection]]

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        if set(self.kpi.languages) != set(self.data.languages):
            message = f"kpi.languages {self.kpi.languages} differ from data.languages {self.data.languages}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _vocoder_fits_fastpitch(self) -> Self:
        """A mel of another definition is vocoded without an error, into noise."""
        if not {"fastpitch", "vocoder"} <= {*self.models, *self.auxiliaries}:
            return self
        model = self.models["fastpitch"].architecture.model_dump()
        vocoder = self.auxiliaries["vocoder"].architecture.model_dump()
        for name in _MEL:
            if model[name] != vocoder[name]:
                message = (
                    f"models.fastpitch.architecture.{name} {model[name]} differs from "
                    f"auxiliaries.vocoder.architecture.{name} {vocoder[name]}"
                )
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _content_fits_rvc(self) -> Self:
        """RVC names encoder and layer, auxiliaries.content has the dimensions; neither repeats the other."""
        if not {"rvc", "content"} <= {*self.models, *self.auxiliaries}:
            return self
        asked = self.models["rvc"].architecture.model_dump()["content_encoder"]
        built = self.auxiliaries["content"].architecture.model_dump()
        given = {
            "dim": built["hidden_size"],
            "sample_rate_hz": built["sample_rate_hz"],
            "stride": math.prod(built["conv_strides"]),
        }
        for name, value in given.items():
            if asked[name] != value:
                message = (
                    f"models.rvc.architecture.content_encoder.{name} {asked[name]} differs from the "
                    f"{value} of auxiliaries.content.architecture"
                )
                raise ValueError(message)
        if asked["layer"] > built["layers"]:
            message = f"models.rvc takes content layer {asked['layer']} of {built['layers']}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _codec_fits_vallex(self) -> Self:
        """A language model over the delivered codec's codes has that codec's rates and codebooks."""
        if not {"vallex", "codec"} <= {*self.models, *self.auxiliaries}:
            return self
        asked = self.models["vallex"].architecture.model_dump()
        if asked["codec"] not in ("pretrained/codec", "untrained"):
            return self
        built = self.auxiliaries["codec"].architecture.model_dump()
        given = {
            "codec_sample_rate_hz": built["sample_rate_hz"],
            "codec_frame_rate_hz": built["sample_rate_hz"] // (built["hop_length"] * built["stride"]),
            "n_codebooks": min(asked["n_codebooks"], built["n_codebooks"]),  # the coarsest may do
            "codebook_size": built["codebook_size"],
        }
        for name, value in given.items():
            if asked[name] != value:
                message = (
                    f"models.vallex.architecture.{name} {asked[name]} differs from the {value} of "
                    f"auxiliaries.codec.architecture"
                )
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _syncnets_fit_wav2lip(self) -> Self:
        """Image size, mel and windows are one set of numbers for generator, SyncNets and videos."""
        if "wav2lip" not in self.models:
            return self
        model = self.models["wav2lip"].architecture.model_dump()
        if model["fps"] != self.data.video.fps:
            message = f"models.wav2lip.architecture.fps {model['fps']} differs from data.video.fps"
            raise ValueError(message)
        for name in _SYNCNETS:
            if name not in self.auxiliaries:
                continue
            network = self.auxiliaries[name].architecture.model_dump()
            for leaf in (*_MEL, *_LIPS):
                if model[leaf] != network[leaf]:
                    message = (
                        f"models.wav2lip.architecture.{leaf} {model[leaf]} differs from "
                        f"auxiliaries.{name}.architecture.{leaf} {network[leaf]}"
                    )
                    raise ValueError(message)
        return self

    def restricted_to(self, sections: Collection[str], model: str | None) -> Params:
        """A view that holds only ``sections`` (and, of the models, only ``model``).

        A stage's skip key covers exactly the sections it declares; touching another one raises
        AttributeError, so a declaration cannot silently be too small.
        """
        values = {name: getattr(self, name) for name in sections if name not in _NARROWED}
        if "models" in sections:
            values["models"] = {n: s for n, s in self.models.items() if model in (None, n)}
        if FEATURE_AUXILIARIES in sections:
            needed = self.models[model].features_need if model else ()
            values["auxiliaries"] = {name: self.auxiliaries[name] for name in needed}
        if EXPERT_AUXILIARY in sections:
            expert = self.models[model].learns_from if model else ""
            values["auxiliaries"] = {expert: self.auxiliaries[expert]} if expert else {}
        view = Params.__new__(Params)  # model_construct would ask for the missing sections
        object.__setattr__(view, "__dict__", values)
        object.__setattr__(view, "__pydantic_fields_set__", set(values))
        object.__setattr__(view, "__pydantic_extra__", None)
        object.__setattr__(view, "__pydantic_private__", None)
        return view
