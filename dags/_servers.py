"""``make ui``: Airflow standalone and an MLflow server over the demo's workspace, until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from embedded import prepare_airflow

from components.core.errors import EXIT_OK, ConfigError, EnvironmentFaultError

AIRFLOW_PORT_VARIABLE, MLFLOW_PORT_VARIABLE = "IRIS_AIRFLOW_PORT", "IRIS_MLFLOW_PORT"
_SECONDS_TO_STOP = 20
_DAGS = ("retrain", "ingest_recordings")
_PORTS = range(1, 65536)


def serve(workspace: Path) -> int:
    """Start both servers and wait.

    Raises:
        ConfigError: a port that is none, or one for both; nothing was started.
        EnvironmentFaultError: a port is taken; nothing was started.
    """
    airflow_port = _free_port("Airflow", AIRFLOW_PORT_VARIABLE, 8080)
    mlflow_port = _free_port("MLflow", MLFLOW_PORT_VARIABLE, 5000)
    if airflow_port == mlflow_port:
        raise ConfigError(
            who=f"{AIRFLOW_PORT_VARIABLE} and {MLFLOW_PORT_VARIABLE}",
            expected="a port each",
            found=f"{airflow_port} for both",
            action="choose another for one of them",
        )
    store = f"sqlite:///{workspace / 'mlflow.db'}"
    artifacts = str(workspace / "mlartifacts")
    environment = {
        **os.environ,
        "IRIS_LAUNCHER": "subprocess",
        # a run that is scheduled before the API listens fails; `_unpaused` waits for it
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__API__HOST": "127.0.0.1",  # this machine only: the demo has one plain password
        "AIRFLOW__API__PORT": str(airflow_port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{airflow_port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{airflow_port}/execution/",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    }
    mlflow = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(mlflow_port)]
    mlflow += ["--backend-store-uri", store, "--artifacts-destination", artifacts]
    airflow = [sys.executable, "-m", "airflow", "standalone"]
    print(f"Airflow http://localhost:{airflow_port} (admin; the password is printed below and kept in")
    print(f"  {workspace / 'airflow' / 'simple_auth_manager_passwords.json.generated'})")
    print(f"MLflow  http://localhost:{mlflow_port}    Ctrl-C stops both / Ctrl-C 로 종료합니다", flush=True)
    prepare_airflow()  # before `standalone` does it, so that the pools are there with the first run
    servers = [subprocess.Popen(command, env=environment) for command in (mlflow, airflow)]
    try:
        paused = True
        while all(server.poll() is None for server in servers):
            paused = paused and not _unpaused(airflow_port)
            time.sleep(1)
    except KeyboardInterrupt:
        return EXIT_OK
    finally:
        _stop(servers)
    raise EnvironmentFaultError(
        who="make ui",
        expected="Airflow and MLflow to go on until Ctrl-C",
        found="one of them ended by itself; its last lines are above",
        action="mend what they say, then run it again",
    )


def _free_port(server: str, variable: str, default: int) -> int:
    port = _port(variable, default)
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EnvironmentFaultError(
                who=f"{server} on port {port}",
                expected="a free port",
                found=f"it is taken ({error.strerror})",
                action=f"stop what listens there, or choose another: {variable}={port + 1} make ui",
            ) from error
    return port


def _port(variable: str, default: int) -> int:
    written = os.environ.get(variable, str(default))
    if not written.isdecimal() or int(written) not in _PORTS:
        raise ConfigError(
            who=variable,
            expected=f"a port from {_PORTS[0]} to {_PORTS[-1]}",
            found=repr(written),
            action=f"correct it, or leave it out for {default}",
        )
    return int(written)


def _unpaused(port: int) -> bool:
    """Unpause the DAGs once they are parsed and the API answers; False while it is too early."""
    from airflow.models import DagModel
    from airflow.utils.session import create_session

    with contextlib.closing(socket.socket()) as probe:
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return False
    with create_session() as session:
        dags = session.query(DagModel).filter(DagModel.dag_id.in_(_DAGS)).all()
        for dag in dags if len(dags) == len(_DAGS) else []:
            dag.is_paused = False
    return len(dags) == len(_DAGS)


def _stop(servers: list[subprocess.Popen[bytes]]) -> None:
    for server in servers:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
    for server in servers:
        try:
            server.wait(timeout=_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            server.kill()
