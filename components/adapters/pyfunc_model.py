"""The MLflow model of an exported folder: code that is run, not an object that is unpickled.

MLflow copies this file into the folder and runs it when the model is loaded. Each row of the input is one
wish, each row of the output one labelled recording:

- text_to_speech: ``text``, ``language``, ``speaker``
- prompted_speech: ``text``, ``language``, ``prompt`` (bytes of a recording), ``prompt_text``,
  ``prompt_language``
- voice_conversion: ``audio`` (bytes of a wav, flac, ogg or mp3), ``speaker``, ``language``
- lip_sync: ``video``, ``audio`` (bytes of an mp4, mov, png or jpg, and of a recording), ``language``
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

if TYPE_CHECKING:
    from components.inference.exported import Exported

_PARTS = "model"


class ExportedModel(PythonModel):  # type: ignore[misc]  # mypy does not follow mlflow
    """See the module."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        """Open the model, its hashes checked; on the GPU where there is one."""
        import torch

        from components.inference.exported import Exported

        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Exported = Exported(Path(context.artifacts[_PARTS]), device)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """``media`` (bytes of a wav, or an mp4) and ``label`` (JSON) of every row.

        Raises:
            DataError: a row that cannot be said, converted or rendered.
        """
        wishes = ({str(name): value for name, value in row.items()} for row in model_input.to_dict("records"))
        rows = [self._made(wish) for wish in wishes]
        return pd.DataFrame(rows, columns=["media", "label"])

    def _made(self, row: Mapping[str, Any]) -> tuple[bytes, str]:
        from components.inference import to_wav
        from components.inference.exported import VoicePrompt, read_speech

        kind, language = self._model.description.kind, str(row.get("language", "und"))
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            if kind == "lip_sync":
                picture, audio = _laid(place / "face", row["video"]), _laid(place / "audio", row["audio"])
                out, label = place / "out.mp4", self._model.label("und", language, "und")
                sidecar = self._model.lipsync(picture, audio, out, label).label
            else:
                out, speaker, consent = place / "out.wav", str(row.get("speaker", "und")), ""
                if kind == "text_to_speech":
                    speech = self._model.synthesise(str(row["text"]), language, speaker)
                elif kind == "prompted_speech":
                    heard, consent = read_speech(_laid(place / "prompt", row["prompt"])), "und"
                    prompt = VoicePrompt(heard, str(row["prompt_text"]), str(row["prompt_language"]))
                    speech = self._model.synthesise_prompted(str(row["text"]), language, prompt)
                else:
                    speech = self._model.convert(read_speech(_laid(place / "audio", row["audio"])), speaker)
                sidecar = to_wav(out, speech, self._model.label(speaker, language, consent))
            return out.read_bytes(), sidecar.read_text(encoding="utf-8")


def _laid(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


set_model(ExportedModel())
