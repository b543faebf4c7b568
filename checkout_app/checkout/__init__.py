"""The service under care: prices a basket, offers extras, takes the payment.

Nothing here knows of incidents or runbooks. What the platform sees of it are its metrics; what the
platform can do to it is to restart its pods and to switch degraded mode on.
"""
