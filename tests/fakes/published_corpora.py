"""Small folders in the formats of published corpora; each has one good row more than bad ones."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from source_folder import tone


def flac(path: Path, hz: float, rate: int = 16000, seconds: float = 0.8, subtype: str = "PCM_16") -> Path:
    """Write a tone as mono FLAC."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    sf.write(path, samples, rate, format="FLAC", subtype=subtype)
    return path


def write(path: Path, text: str) -> Path:
    """Write a text file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def kss(folder: Path) -> Path:
    lines = [
        "1/1_0000.wav|그는 괜찮다.|그는 괜찮다.|그는|0.8|Fine.",
        "1/1_0001.wav|3마리|세 마리|세|0.8|Three.",
    ]
    write(folder / "transcript.v.1.4.txt", "\n".join([*lines, "1/1_0002.wav|too|few"]))
    for number in range(2):
        tone(folder / f"1/1_000{number}.wav", hz=200 + 9 * number, seconds=0.8)
    return folder


def ljspeech(folder: Path) -> Path:
    lines = [
        "LJ001-0001|In 1455, a book|In fourteen fifty-five, a book",
        "LJ001-0002|Plain text.|",
        "LJ001-0003|x",
    ]
    write(folder / "metadata.csv", "\n".join(lines) + "\n")
    for number in (1, 2):
        tone(folder / f"wavs/LJ001-000{number}.wav", hz=200 + 9 * number, seconds=0.8, rate=22050)
    return folder


def zeroth(folder: Path) -> Path:
    write(folder / "AUDIO_INFO", "SPEAKERID|NAME|SEX|SCRIPTID|DATASET\n106|가나다|m|003|train_data_01\n")
    own = folder / "train_data_01/003/106"
    write(
        own / "106_003.trans.txt",
        "106_003_0001 네 요즘 공부 많이 해야 돼요\n106_003_0002 둘째 문장\n엉뚱한 줄\n",
    )
    other = folder / "test_data_01/003/104"
    write(other / "104_003.trans.txt", "104_003_0019 지난해 삼월 김 전 장관의 동료인\n")
    for number, path in enumerate((own / "106_003_0001", own / "106_003_0002", other / "104_003_0019")):
        flac(path.with_name(f"{path.name}.flac"), hz=200 + 9 * number)
    return folder


def vctk(folder: Path) -> Path:
    for number, name in enumerate(("p225_001", "p225_002", "p226_001")):
        voice = name[:4]
        write(folder / f"txt/{voice}/{name}.txt", f"Please call Stella {number}.\n")
        for microphone in (1, 2):
            where = folder / f"wav48_silence_trimmed/{voice}/{name}_mic{microphone}.flac"
            flac(where, hz=200 + 9 * number + microphone, rate=48000)
    flac(folder / "wav48_silence_trimmed/p315/p315_001_mic1.flac", hz=400, rate=48000)
    write(folder / "txt/p227/p227_001.txt", "Nobody recorded this.\n")
    return folder


def jvs(folder: Path) -> Path:
    for number, part in enumerate(("parallel100", "nonpara30", "whisper10")):
        own = folder / "jvs001" / part
        write(own / "transcripts_utf8.txt", f"BASIC5000_000{number}:また、東寺のように{number}。\n")
        tone(own / f"wav24kHz16bit/BASIC5000_000{number}.wav", hz=200 + 9 * number, seconds=0.8, rate=24000)
    write(
        folder / "jvs002/parallel100/transcripts_utf8.txt",
        "コロンなし\nVOICEACTRESS100_001:ニューイングランド風。\n",
    )
    tone(folder / "jvs002/parallel100/wav24kHz16bit/VOICEACTRESS100_001.wav", hz=300, seconds=0.8, rate=24000)
    return folder


def aishell3(folder: Path) -> Path:
    lines = [
        "SSB00050001.wav\t广 guang3 州 zhou1 女 nv3",
        "SSB00050002.wav\t你 ni3 好",
        "SSB00090001.wav\t早 zao3 上 shang4",
    ]
    write(folder / "train/content.txt", "\n".join(lines) + "\n")
    write(folder / "test/content.txt", "SSB00050009.wav\t再 zai4 见 jian4\n")
    for number, name in enumerate(("train/wav/SSB0005/SSB00050001", "train/wav/SSB0009/SSB00090001")):
        tone(folder / f"{name}.wav", hz=200 + 9 * number, seconds=0.8, rate=44100)
    tone(folder / "test/wav/SSB0005/SSB00050009.wav", hz=330, seconds=0.8, rate=44100)
    return folder


def free_talk(text: str, name: str, speaker: str) -> dict[str, Any]:
    """A label of AI-Hub's free talk."""
    return {
        "발화정보": {"stt": text, "scriptId": "1", "fileNm": name, "recrdTime": "0.8", "recrdQuality": "16K"},
        "대화정보": {"recrdEnvrn": "실내", "cityCode": "수도권"},
        "녹음자정보": {"gender": "여", "recorderId": speaker, "age": 34},
    }


def for_synthesis(text: str, name: str, speaker: str) -> dict[str, Any]:
    """A label of AI-Hub's corpora for speech synthesis."""
    return {
        "기본정보": {"Language": "KOR", "NumberOfSpeaker": speaker, "Distributor": "N/A"},
        "전사정보": {"OrgLabelText": "대본", "TransLabelText": text, "RefinedLabelText": ""},
        "화자정보": {"SpeakerName": "KJW", "Gender": "Male", "Emotion": "Neutrality"},
        "파일정보": {"FileCategory": "Audio", "FileName": name, "FileLength": 0.8},
    }


def aihub(folder: Path, label_form: str = "NFC", audio_form: str = "NFC") -> Path:
    """Names of labels and of audio in a Unicode form each; four good rows, four bad ones, one stray wav."""
    labels = {
        "일반남여_가_001": free_talk(
            "안녕하세요. (10분만)/(십 분만) 기다려요.", "일반남여_가_001.wav", "도레미"
        ),
        "일반남여_가_002": free_talk("b/ 네+ 알겠어요.", "일반남여_가_002.wav", "도레미"),
        "6030_G1A1E7_KJW_000001": for_synthesis("몇 리터로 드릴까요?", "6030_G1A1E7_KJW_000001.wav", "6030"),
        "6030_G1A1E7_KJW_000002": for_synthesis("고맙습니다.", "6030_G1A1E7_KJW_000002.wav", "6030"),
        "가려진_이름": free_talk("@이름1 씨, 안녕하세요.", "가려진_이름.wav", "도레미"),
        "소리_없음": free_talk("소리가 없어요.", "소리_없음.wav", "도레미"),
        "방언": {"id": "D1", "utterance": [{"id": "D1.1", "form": "뭐라카노", "start": 0.0, "end": 1.0}]},
    }
    for name, told in labels.items():
        where = folder / unicodedata.normalize(label_form, f"라벨링데이터/묶음/{name}.json")
        write(where, "\ufeff" + json.dumps(told, ensure_ascii=False))
    write(folder / unicodedata.normalize(label_form, "라벨링데이터/묶음/깨짐.json"), "{")
    for number, name in enumerate([*list(labels)[:5], "이름표_없음"]):
        where = folder / unicodedata.normalize(audio_form, f"원천데이터/묶음/{name}.wav")
        tone(where, hz=200 + 9 * number, seconds=0.8)
    return folder
