"""What the platform costs on AWS: what is paid for, the list prices, and bills made of both.

Knows nothing of a running stack: amounts come from :mod:`onemachine.aws.meter`, or from a template.
"""
