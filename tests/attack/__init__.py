"""Attacks the local stack: `python -m tests.attack`.

Probes are derived from the declared routes, so that a new route is attacked without being named. Each class of probes
(`classes.py`) states what must hold of every answer.
"""
