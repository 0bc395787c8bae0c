"""Runs the exported model in this folder: ``python use.py check | synthesise | convert | lipsync | verify``.

Copied into every export. Needs this folder and the packages of requirements.txt.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.inference.exported import Exported, VoicePrompt

_HERE = Path(__file__).resolve().parent
_NOT_AS_JUDGED = 42


def main(words: Sequence[str]) -> int:
    """Do what the words say; the exit code."""
    given = _parser().parse_args(words)
    sys.path.insert(0, str(_HERE / "code"))
    import components
    from components.core.errors import IrisError

    if not Path(str(components.__file__)).resolve().is_relative_to(_HERE):
        sys.stderr.write(
            f"another `components` was imported: {components.__file__}. Run `python -I use.py`.\n"
        )
        return _NOT_AS_JUDGED
    try:
        done: int = _COMMANDS[given.command](given)
    except IrisError as error:
        sys.stderr.write("\n".join(error.lines()) + "\n")
        return error.exit_code
    return done


def _opened(given: argparse.Namespace) -> Exported:
    from components.core.exported import PARTS, check_manifest
    from components.inference.exported import Exported

    check_manifest(_HERE)
    return Exported(_HERE / PARTS, given.device)


def _check(given: argparse.Namespace) -> int:
    found = _opened(given).check(given.keep)
    told: dict[str, Any] = {"holds": not any(one["fault"] for one in found), "sentences": found}
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    return 0 if told["holds"] else _NOT_AS_JUDGED


def _synthesise(given: argparse.Namespace) -> int:
    from components.inference import to_wav

    model = _opened(given)
    if given.prompt is None:
        speech = model.synthesise(given.text, given.language, given.speaker)
        label = model.label(given.speaker, given.language)
    else:
        speech = model.synthesise_prompted(given.text, given.language, _prompt(given))
        label = model.label(given.speaker, given.language, given.consent)
    return _told(to_wav(given.out, speech, label), given.out)


def _prompt(given: argparse.Namespace) -> VoicePrompt:
    from components.inference.exported import VoicePrompt, read_speech

    language = given.prompt_language or given.language
    return VoicePrompt(read_speech(given.prompt), given.prompt_text, language, given.seed)


def _convert(given: argparse.Namespace) -> int:
    from components.inference import to_wav
    from components.inference.exported import read_speech

    model = _opened(given)
    speech = model.convert(read_speech(given.input), given.speaker)
    return _told(to_wav(given.out, speech, model.label(given.speaker, given.language)), given.out)


def _lipsync(given: argparse.Namespace) -> int:
    model = _opened(given)
    label = model.label(given.face, given.language, given.consent)
    return _told(model.lipsync(given.video, given.audio, given.out, label).label, given.out)


def _verify(given: argparse.Namespace) -> int:
    from components.inference.verification import verify

    found = verify(given.file)
    sys.stdout.write("\n".join(found.lines()) + "\n")
    return 0 if found.holds else _NOT_AS_JUDGED


def _told(label: Path, out: Path) -> int:
    sys.stdout.write(f"{out}, {label.name}\n")
    return 0


_COMMANDS = {
    "check": _check,
    "synthesise": _synthesise,
    "convert": _convert,
    "lipsync": _lipsync,
    "verify": _verify,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", help="cpu | cuda")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("check", help="make the evaluation's references again / 평가 음성·영상과 비교")
    one.add_argument("--keep", type=Path, help="a folder for what was said / 다시 말한 음성을 둘 폴더")
    one = commands.add_parser("synthesise", help="text to a labelled wav / 글을 음성으로")
    one.add_argument("--text", required=True)
    one.add_argument("--language", required=True, help="ko | en | ja | zh")
    one.add_argument("--speaker", default="und", help="one of the card; of a prompt: for the label")
    one.add_argument("--prompt", type=Path, help="a recording whose voice says it (VALL-E X) / 목소리 예시")
    one.add_argument("--prompt-text", default="", help="every word of the prompt")
    one.add_argument("--prompt-language", default="", help="none: that of the text")
    one.add_argument("--consent", default="und", help="to the use of the prompt, for the label")
    one.add_argument("--seed", type=int, help="another one says it otherwise")
    one.add_argument("--out", type=Path, required=True)
    one = commands.add_parser("convert", help="a recording into another voice / 음성 변환")
    one.add_argument("--input", type=Path, required=True)
    one.add_argument("--speaker", required=True)
    one.add_argument("--language", default="und")
    one.add_argument("--out", type=Path, required=True)
    one = commands.add_parser("lipsync", help="a face that says a recording / 립싱크")
    one.add_argument("--video", type=Path, required=True)
    one.add_argument("--audio", type=Path, required=True)
    one.add_argument("--face", default="und")
    one.add_argument("--consent", default="und")
    one.add_argument("--language", default="und")
    one.add_argument("--out", type=Path, required=True)
    one = commands.add_parser("verify", help="what a media file says of itself / 생성 표시 확인")
    one.add_argument("file", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
