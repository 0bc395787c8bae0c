# Airflow's own image plus what a DAG needs to be parsed: this package, without its dependencies. Parsing loads
# neither torch nor mlflow; stages run in the other image.
#   docker build -f k8s/images/airflow.Dockerfile --build-arg AIRFLOW_IMAGE=apache/airflow:3.3.2-python3.11@sha256:... -t REGISTRY/iris-airflow .
# AIRFLOW_IMAGE has no default: only the one who builds can look a digest up.
ARG AIRFLOW_IMAGE
FROM ${AIRFLOW_IMAGE} AS parsed
ARG AIRFLOW_IMAGE
RUN case "${AIRFLOW_IMAGE}" in *@sha256:*) ;; *) echo "AIRFLOW_IMAGE: expected a digest, found ${AIRFLOW_IMAGE}" >&2; exit 42;; esac
ENV IRIS_PROJECT_ROOT=/opt/iris PYTHONPATH=/opt/iris:/opt/iris/dags
COPY components/ /opt/iris/components/
COPY dags/ /opt/iris/dags/
COPY profiles/ /opt/iris/profiles/
COPY k8s/pod-template.yaml /opt/iris/k8s/
COPY params.yaml requirements.lock /opt/iris/
# Airflow and the Kubernetes provider as locked (`durable` needs 10.25), and every DAG parses, or there is no image.
RUN python -c "import importlib.metadata as m; \
pins = dict(l.strip().split('==') for l in open('/opt/iris/requirements.lock') if '==' in l and ';' not in l); \
bad = [n for n in ('apache-airflow', 'apache-airflow-providers-cncf-kubernetes') if m.version(n) != pins[n]]; \
assert not bad, f'not the locked version: {bad}'" \
    && AIRFLOW_HOME="$(mktemp -d)" python -c "import retrain, ingest_recordings"

FROM ${AIRFLOW_IMAGE}
ENV IRIS_PROJECT_ROOT=/opt/iris PYTHONPATH=/opt/iris:/opt/iris/dags
COPY --from=parsed /opt/iris /opt/iris
HEALTHCHECK NONE
USER 50000:0
