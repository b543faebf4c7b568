"""The template twice, in two regions of one local AWS, with an Alertmanager that posts to both.

Run by ``make regions``: it kills the region that acts and says what became of each alert. There is
no cluster, so nothing is remediated: that only one region acts is shown by
``tests/integration/statemachine/two_regions.py``, which the same command runs.
"""
