"""The tree of errors. Each says who, what was expected, what was found and what to do, on one line.

The exit code belongs to the class, so that the CLI, the subprocess launcher and a pod's failure policy agree:
0 done · 42 bad input, configuration or data (never retried) · 43 gate refused (CLI ``--strict`` only) ·
75 retryable · 143 stopped by SIGTERM after a checkpoint · 70 a defect of ours. Python itself ends with 1
after a traceback (a defect as well) and typer with 2 on a command line that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

EXIT_OK = 0
EXIT_TRACEBACK = 1
EXIT_USAGE = 2
EXIT_BAD_INPUT = 42
EXIT_GATE_REFUSED = 43
EXIT_DEFECT = 70
EXIT_RETRYABLE = 75
EXIT_STOPPED = 143
#: No retry mends these: bad input, a command line that does not fit, a refused gate, a defect of ours.
NEVER_RETRIED = frozenset({EXIT_TRACEBACK, EXIT_USAGE, EXIT_BAD_INPUT, EXIT_GATE_REFUSED, EXIT_DEFECT})


class IrisWarning(UserWarning):
    """A warning of ours; the test suite turns it into an error."""


class IrisError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        who: the thing at fault: a file, an utterance id, a parameter path, a stage.
        expected: what should have been there.
        found: what was there.
        action: the next step for the person reading it.
        details: further lines (rejected rows, say); the first line stays complete without them.
    """

    exit_code: ClassVar[int] = EXIT_DEFECT
    hint_ko: ClassVar[str] = "프로그램 결함일 수 있습니다. 기록과 함께 알려 주세요."

    def __init__(
        self, *, who: str, expected: str, found: str, action: str, details: Sequence[str] = ()
    ) -> None:
        self.who, self.expected, self.found, self.action = who, expected, found, action
        self.details = tuple(details)
        super().__init__(f"{who}: expected {expected}, found {found}. To do: {action}")

    def __reduce__(self) -> tuple[Callable[..., IrisError], tuple[type[IrisError], dict[str, object]]]:
        """By keyword: an exception that a worker process raises is pickled on its way here."""
        parts = {name: getattr(self, name) for name in ("who", "expected", "found", "action", "details")}
        return _again, (type(self), parts)

    def lines(self) -> list[str]:
        """The message as a person sees it: one line, its Korean hint, then any details."""
        return [str(self), f"  ({self.hint_ko})", *(f"  - {line}" for line in self.details)]


def _again(kind: type[IrisError], parts: dict[str, Any]) -> IrisError:
    return kind(**parts)


class BadInputError(IrisError):
    """Input that no retry will mend."""

    exit_code = EXIT_BAD_INPUT
    hint_ko = "입력을 고친 뒤 다시 실행하세요. 재시도로는 해결되지 않으며, 기존 파일은 그대로 있습니다."


class ConfigError(BadInputError):
    """A parameter file, profile or command line that does not fit the schema."""

    hint_ko = "params.yaml 또는 profiles/ 의 해당 항목을 고치세요. 아무 것도 변경되지 않았습니다."


class NothingToCollectError(ConfigError):
    """A stage over all models where no data was ever validated, so that no model can have left anything."""

    hint_ko = "검증된 데이터가 없어 보고할 내용이 없습니다. ingest, version, validate 를 먼저 실행하세요."


class DataError(BadInputError):
    """A corpus, manifest or recording that cannot be used."""

    hint_ko = "해당 음성 또는 목록 행을 고치거나 제거하세요. 기존 데이터는 그대로 있습니다."


class ConsentError(DataError):
    """A recording whose speaker no longer allows what was about to be done, or never did."""

    hint_ko = (
        "동의가 만료·철회되었거나 없습니다. 해당 화자의 녹음을 빼거나 새 동의를 등록한 뒤 다시 실행하세요."
    )


class ValidationBlockedError(DataError):
    """A critical expectation failed; ``details`` names the utterances."""

    hint_ko = "검증 보고서(Data Docs)에서 실패한 항목을 확인하세요. 학습은 시작되지 않았습니다."


class EnvironmentFaultError(BadInputError):
    """This machine lacks something (a program, a package, a free port)."""

    hint_ko = "`python -m components doctor` 로 이 컴퓨터에 부족한 것을 확인하세요."


class GateRefusedError(IrisError):
    """The gate's verdict was not PASS and the caller asked for that to be an error."""

    exit_code = EXIT_GATE_REFUSED
    hint_ko = "목표를 충족하지 못해 승급하지 않았습니다. 사유는 위와 보고서에 있습니다."


class RetryableError(IrisError):
    """Something outside (tracking server, network, storage) that may work later."""

    exit_code = EXIT_RETRYABLE
    hint_ko = "일시적 장애일 수 있습니다. 잠시 후 다시 실행하면 이어서 진행합니다."


class HungError(RetryableError):
    """No progress for longer than `platform.heartbeat` allows."""

    hint_ko = "진행이 멈춰 종료했습니다. 재시도하면 이어서 진행합니다. 반복되면 위의 스택과 함께 알려 주세요."


class TrackingUnavailableError(RetryableError):
    """The MLflow server or store does not answer."""


class RemoteUnavailableError(RetryableError):
    """The DVC remote does not answer or refuses."""


class StorageError(RetryableError):
    """A file could not be written: no space, read-only, permission."""

    hint_ko = "디스크 여유 공간과 쓰기 권한을 확인하세요. 이전 파일은 그대로 있습니다."


class CorruptFileError(BadInputError):
    """A file whose bytes are not the ones that were recorded."""

    hint_ko = "파일이 손상되었습니다. 이전 체크포인트 또는 원격 저장소에서 복원하세요."


class StoppedError(IrisError):
    """Stopped from outside after state was saved; running again resumes."""

    exit_code = EXIT_STOPPED
    hint_ko = "중단 신호를 받아 체크포인트를 저장했습니다. 다시 실행하면 이어서 진행합니다."


class MissingOutputError(IrisError):
    """A stage said it was done without leaving what it promised."""


class NothingScoredError(IrisError):
    """A metric was asked for a number and had nothing to score."""

    exit_code = EXIT_BAD_INPUT
    hint_ko = "평가할 항목이 없어 값을 낼 수 없습니다."


class VoicesNotRecordedError(NothingScoredError):
    """Voices of a model that nobody can be held against: too few recordings of them are here."""

    hint_ko = (
        "비교할 녹음이 모자란 화자가 있어 판정할 수 없습니다. 그 화자의 녹음이 든 말뭉치를 data.corpora에 "
        "넣고 ingest, version, validate를 다시 실행하거나, 지금 있는 화자로 재학습하세요."
    )


class TrainingDivergedError(IrisError):
    """Loss stayed NaN or infinite beyond the allowed number of skipped steps."""

    exit_code = EXIT_BAD_INPUT
    hint_ko = "학습이 발산했습니다. 학습률과 데이터를 확인하세요. 마지막 정상 체크포인트는 보존되었습니다."


class SyncPlateauError(TrainingDivergedError):
    """A SyncNet that still guesses; ``details`` holds what its data look like."""

    hint_ko = "SyncNet 이 학습되지 않습니다(손실 ln 2). 음성·영상 시간차, 화자 수, 얼굴 영역을 확인하세요."


class PromotionConflictError(RetryableError):
    """Another promotion holds the lease."""

    hint_ko = "다른 승급 작업이 진행 중입니다. 잠시 후 다시 실행하세요."


class ReportRefusedError(BadInputError):
    """A report would say something that nobody measured, or that its own outputs contradict."""

    hint_ko = "보고서를 쓰지 않았습니다. 위 항목을 고친 뒤 다시 내보내세요. 이전 보고서는 그대로 있습니다."
