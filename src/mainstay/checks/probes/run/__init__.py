"""Probes that run a program: plug-ins, scripts, commands on other hosts.

A process of their own starts and reaps them (`runner`), so that nothing of theirs is left behind.
"""
