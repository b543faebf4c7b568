"""Measures the whole platform on this machine: ``make bench``.

It starts a stack of a checkout (this one, or another one to compare with) by its own ``srectl``
and speaks only HTTP to it, to the webhook, to AWS and to Kubernetes, so that any version of the
platform can be measured by the same tool. It prints numbers beside goals and judges none by its
exit code, which says only whether it could measure.
"""
