"""Counts what the platform costs on AWS: ``make cost``.

It starts a metered stack, sends it a few dozen alerts and counts what passes; amounts of a thousand
and of a month are those, scaled. What no local AWS can tell (prices, what is paid for being there
beside the stack) is added from files.
"""
