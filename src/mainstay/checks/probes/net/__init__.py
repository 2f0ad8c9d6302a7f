"""Probes that talk over the network, each through the guard of `foundation.egress`."""
