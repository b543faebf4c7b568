"""A post-mortem that invents nothing: each of its sentences names the record it comes from.

``sources`` reads (record, evidence, audit log, related incidents), ``chapters`` says what they say,
``markdown`` writes it down.
"""
