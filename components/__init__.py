"""Retraining platform for the four IRIS models: RVC, VALL-E X, FastPitch and Wav2Lip.

Airflow decides when, Kubernetes decides where, DVC says which data, MLflow remembers what happened;
this package does the work and knows none of them outside ``components.adapters``.
"""
