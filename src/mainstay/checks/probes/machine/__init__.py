"""Probes of a machine: files, logs, certificates, processes, figures. Here, or by ssh there."""
