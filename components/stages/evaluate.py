"""evaluate: the delivered model says the 120 sentences → evidence, a table, samples to listen to.

A text-to-speech model reads them, in voices that it knows or in those of prompts; a voice converter converts
somebody who says them. What moves lips says held-out clips instead (`components.stages.lip_evidence`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from components import inference
from components.core.metrics import Evidence
from components.core.storage import write_json
from components.data.corpus import Corpus, corpora
from components.evaluation.candidate import Examiner, Findings, Listening, examine
from components.evaluation.conversion import Targets, examine_conversion
from components.evaluation.embedding_store import EmbeddingStore
from components.evaluation.prompted import examine_prompted
from components.evaluation.prompts import cast, prompts_of, unlearned
from components.evaluation.recognisers import recogniser_for
from components.evaluation.recordings import Panel, Recording, held_out, panel, transcribed
from components.evaluation.records import Circumstances
from components.evaluation.sentences import Sentence, load_sentences, sentences_sha256
from components.evaluation.sources import sources_for
from components.evaluation.speaker_similarity import Gallery, build_gallery
from components.evaluation.tables import write_samples, write_sentence_parquet, write_sentence_table
from components.evaluation.verifier import MIN_CLIP_S, SpeakerVerifier
from components.inference import MediaLabel
from components.nn.contracts import Auxiliaries
from components.nn.device import best_device
from components.stages.contender import Contender, trained
from components.stages.contract import Outcome, StageContext
from components.stages.evidence_told import (
    circumstances,
    evaluation_summary,
    facts_of,
    log_evidence,
    whole_evidence,
)
from components.stages.lip_evidence import evaluate_lips
from components.stages.shipped import auxiliaries, auxiliary_weights, shipped
from components.training.memory import PeakMemory, peak, watch

#: Below the workspace, never among a stage's outputs.
_EMBEDDINGS, _SOURCES = "speaker-embeddings", "conversion-sources"


def run(context: StageContext) -> Outcome:
    """Evaluate what this run trained.

    Raises:
        IrisError: see `evaluate`.
    """
    contender = trained(context)
    return evaluate(context, contender, context.workspace.evaluation / contender.model)


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """Another recogniser or vocoder is another evaluation."""
    return auxiliary_weights(context.project)


def evaluate(context: StageContext, contender: Contender, folder: Path) -> Outcome:
    """Speak, judge, write the evidence into ``folder``, and log it to the contender's run.

    Raises:
        NothingScoredError: a metric has nothing to score; nothing is written then.
        DataError: a recording or the sentence file cannot be used.
        CorruptFileError: the delivered model is not the one that was trained.
    """
    if context.section.kind == "lip_sync":
        return evaluate_lips(context, contender, folder)
    device = best_device()
    serving = auxiliaries(context.project, context.params)
    examined = {"voice_conversion": _converter, "prompted_speech": _prompted}
    found = examined.get(context.section.kind, _speaker)(context, contender, serving, device)
    evidence = _evidence(contender, found)
    outputs = _write(folder, evidence, found)
    log_evidence(context, evidence, outputs)
    return Outcome(outputs, evaluation_summary(evidence, found.findings, found.gallery, found.memory))


@dataclass(frozen=True)
class _Examined:
    """A candidate's findings, and what they were found with."""

    findings: Findings
    sentences: Sequence[Sentence]
    gallery: Gallery
    targets: Sequence[Panel]
    consents: Mapping[str, str]
    now: Circumstances
    memory: PeakMemory


def _speaker(
    context: StageContext, contender: Contender, serving: Auxiliaries, device: torch.device
) -> _Examined:
    synthesiser = inference.load(contender.model, context.section, contender.folder, serving, device)
    sentences = load_sentences(context.params.evaluation.sentences, context.params.kpi)
    now = circumstances(context, contender, synthesiser.dtype, device)
    by, targets = _examiner(context, synthesiser.speakers, now)
    watch(device)
    findings = examine(synthesiser, sentences, by)
    return _Examined(findings, sentences, by.gallery, targets, synthesiser.consents, now, peak(device))


def _converter(
    context: StageContext, contender: Contender, serving: Auxiliaries, device: torch.device
) -> _Examined:
    converter = inference.load_converter(contender.model, context.section, contender.folder, serving, device)
    found, speakers = _corpora(context), converter.speakers
    kept = context.workspace.root / _SOURCES
    sources = sources_for(context.params, found, speakers, kept, converter.source_rate)
    roles = {row.speaker_id: row.role for corpus in found for row in corpus.rows}
    targets = Targets({one: roles[one] for one in speakers if one in roles}, held_out(found, MIN_CLIP_S))
    now = circumstances(context, contender, converter.dtype, device)
    by, panels = _examiner(context, speakers, now)
    watch(device)
    findings = examine_conversion(converter, sources, targets, by)
    heard = sources.sentences
    return _Examined(findings, heard, by.gallery, panels, converter.consents, now, peak(device))


def _prompted(
    context: StageContext, contender: Contender, serving: Auxiliaries, device: torch.device
) -> _Examined:
    model = inference.load_prompted(contender.model, context.section, contender.folder, serving, device)
    params, found = context.params, _corpora(context)
    recordings = unlearned(found, MIN_CLIP_S)
    prompts = prompts_of(
        unlearned(found, model.prompt_s[0]),  # too short to judge a voice by, but long enough to give it
        _panels(context, recordings),
        model.learned_from,
        model.prompt_s,
        params.evaluation.prompted.prompt_s,
        params.kpi.speaker_similarity.references_min,
    )
    sentences = load_sentences(params.evaluation.sentences, params.kpi)
    parts = cast(sentences, prompts)
    speakers = tuple(dict.fromkeys(one.prompt.speaker for one in parts))
    consents = {one.prompt.speaker: one.prompt.recording.utterance.consent for one in parts}
    now = circumstances(context, contender, model.dtype, device)
    by, targets = _examiner(context, speakers, now, recordings)
    watch(device)
    findings = examine_prompted(model, parts, by)
    return _Examined(findings, sentences, by.gallery, targets, consents, now, peak(device))


def _examiner(
    context: StageContext,
    speakers: Sequence[str],
    now: Circumstances,
    recordings: Sequence[Recording] | None = None,
) -> tuple[Examiner, Sequence[Panel]]:
    """Who judges these speakers, and their recordings: those given, else those held out."""
    verifier = SpeakerVerifier(context.params.evaluation.speaker_verifier)
    panels = _panels(context, recordings or held_out(_corpora(context), MIN_CLIP_S))
    gallery = _gallery(context, speakers, panels, verifier)
    listening = _listening(context, speakers)
    by = Examiner(gallery, verifier, listening, context.params, now, context.progress)
    return by, [panels[speaker] for speaker in speakers if speaker in panels]


def _corpora(context: StageContext) -> tuple[Corpus, ...]:
    return corpora(context.workspace.data, context.params.data.corpora)


def _listening(context: StageContext, speakers: Sequence[str]) -> Listening:
    params = context.params
    recogniser, reason = recogniser_for(params.evaluation.recogniser, shipped(context.project))
    return Listening(recogniser, reason, transcribed(_corpora(context), speakers))


def _panels(context: StageContext, recordings: Sequence[Recording]) -> dict[str, Panel]:
    """Every speaker's recordings, parted into references and probes."""
    params = context.params
    speakers = sorted({r.utterance.speaker_id for r in recordings})
    references = params.evaluation.reference_utterances
    return {speaker: panel(speaker, recordings, references, params.seed) for speaker in speakers}


def _gallery(
    context: StageContext, speakers: Sequence[str], panels: Mapping[str, Panel], verifier: SpeakerVerifier
) -> Gallery:
    params = context.params
    return build_gallery(
        [panels.get(speaker, Panel(speaker, (), ())) for speaker in speakers],
        [one for speaker, one in panels.items() if speaker not in speakers],
        EmbeddingStore(context.workspace.root / _EMBEDDINGS, verifier),
        params.kpi.speaker_similarity.references_min,
        params.evaluation.impostor_pairs,
        params.seed,
    )


def _evidence(contender: Contender, found: _Examined) -> Evidence:
    findings = found.findings
    spoken = [one.sentence_id for one in findings.judged]
    return whole_evidence(
        contender,
        found.now,
        findings.metrics,
        findings.not_measured,
        found.memory,
        spoken,
        sentences_sha256(found.sentences),
    )


def _write(folder: Path, evidence: Evidence, found: _Examined) -> dict[str, Path]:
    outputs = {
        "evidence": folder / "evidence.json",
        "sentences": folder / "sentences.csv",
        "table": folder / "sentences.parquet",
        "samples": folder / "samples",
    }

    def label(speaker: str, language: str) -> MediaLabel:
        return MediaLabel(
            model=evidence.model,
            model_version=evidence.run_id,
            weights_sha256=evidence.checkpoint_sha256,
            speaker=speaker,
            consent=found.consents[speaker],
            language=language,
        )

    findings = found.findings
    write_samples(outputs["samples"], findings.judged, _beside(found.targets), label, findings.besides)
    write_sentence_table(outputs["sentences"], findings.judged)
    write_sentence_parquet(outputs["table"], findings.judged, facts_of(evidence))
    write_json(outputs["evidence"], evidence.model_dump(mode="json"))
    return outputs


def _beside(targets: Sequence[Panel]) -> dict[tuple[str, str], Recording]:
    """One real recording to hear beside each speaker's samples of a language."""
    chosen: dict[tuple[str, str], Recording] = {}
    for one in targets:
        for recording in (*one.references, *one.probes):
            chosen.setdefault((one.speaker, recording.utterance.language), recording)
    return chosen
