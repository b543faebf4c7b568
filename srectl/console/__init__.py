"""The console: what an engineer on call sees and does in a browser, served on loopback only.

It shows what the records say and does what the commands do, by the same functions of
:mod:`srectl.operate`. Nothing of an alert is ever part of a page but as escaped text.
"""
