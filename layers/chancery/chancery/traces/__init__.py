"""Traces: the records of one request, of every record type, in time order."""
