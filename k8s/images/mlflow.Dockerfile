# The tracking server: MLflow of the lock, with Postgres, S3 and authentication, and none of the rest.
#   docker build -f k8s/images/mlflow.Dockerfile --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:... -t REGISTRY/iris-mlflow .
# PYTHON_IMAGE has no default: only the one who builds can look a digest up.
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE} AS build
ARG PYTHON_IMAGE
RUN case "${PYTHON_IMAGE}" in *@sha256:*) ;; *) echo "PYTHON_IMAGE: expected a digest, found ${PYTHON_IMAGE}" >&2; exit 42;; esac
COPY requirements.lock k8s/images/requirements-mlflow.txt /build/
# MLflow's dependencies come as the lock has them
RUN python -m venv /opt/mlflow \
    && /opt/mlflow/bin/python -m pip install --no-cache-dir -c /build/requirements.lock -r /build/requirements-mlflow.txt \
    && /opt/mlflow/bin/python -m pip check

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 mlflow \
    && useradd --uid 10001 --gid 10001 --home-dir /scratch --no-create-home --shell /usr/sbin/nologin mlflow
COPY --from=build /opt/mlflow /opt/mlflow
ENV PATH=/opt/mlflow/bin:$PATH PYTHONUNBUFFERED=1 MLFLOW_DISABLE_TELEMETRY=true MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false
HEALTHCHECK NONE
CMD ["mlflow", "server", "--help"]
USER 10001:10001
