# The image of every stage: target `cpu` or `cuda`. Built from the repository's root with the pins of
# requirements.lock, through the same script as everywhere else (components/environment.py).
#   docker build -f k8s/images/stage.Dockerfile --target cuda --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:... \
#     --build-arg GIT_SHA=$(git rev-parse HEAD) -t REGISTRY/iris-retraining .
# PYTHON_IMAGE has no default: only the one who builds can look a digest up.
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE} AS build
ARG PYTHON_IMAGE
RUN case "${PYTHON_IMAGE}" in *@sha256:*) ;; *) echo "PYTHON_IMAGE: expected a digest, found ${PYTHON_IMAGE}" >&2; exit 42;; esac
# pyworld and webrtcvad have no wheels
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY pyproject.toml requirements.lock README.md ./
COPY components/ components/

FROM build AS build-cpu
# where the CPU build of torch is; its version stays the lock's
ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
RUN PIP_EXTRA_INDEX_URL="${TORCH_INDEX_URL}" python components/environment.py /opt/iris \
    && /opt/iris/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/iris/lib components

FROM build AS build-cuda
COPY k8s/images/requirements-gpu.txt k8s/images/
# torch from PyPI is the CUDA build and brings CUDA's libraries along; the driver is the node's. The `gpu` extra
# (torchaudio, encodec) goes on top, pinned, without resolution.
RUN python components/environment.py /opt/iris \
    && /opt/iris/bin/python -m pip install --no-deps --no-build-isolation -r k8s/images/requirements-gpu.txt \
    && /opt/iris/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/iris/lib components

FROM ${PYTHON_IMAGE} AS runtime
# libgomp: torch and scikit-learn; a shell and nothing else beyond the base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 iris \
    && useradd --uid 10001 --gid 10001 --home-dir /scratch --no-create-home --shell /usr/sbin/nologin iris \
    && mkdir -p /app/artifacts /scratch \
    && chown 10001:10001 /app/artifacts /scratch
WORKDIR /app
# there is no git in the image; every figure carries this commit
ARG GIT_SHA
RUN test -n "${GIT_SHA}" || { echo "GIT_SHA: expected a commit, found nothing" >&2; exit 42; }
ENV IRIS_GIT_SHA=${GIT_SHA} \
    IRIS_PROJECT_ROOT=/app \
    PATH=/opt/iris/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
COPY params.yaml data.dvc pyproject.toml requirements.lock ./
COPY profiles/ profiles/
COPY pretrained/ pretrained/
COPY k8s/pod-template.yaml k8s/
HEALTHCHECK NONE
CMD ["python", "-m", "components", "--help"]

FROM runtime AS cpu
COPY --from=build-cpu /opt/iris /opt/iris
COPY --from=build-cpu /app/components /app/components
USER 10001:10001

FROM runtime AS cuda
COPY --from=build-cuda /opt/iris /opt/iris
COPY --from=build-cuda /app/components /app/components
USER 10001:10001
