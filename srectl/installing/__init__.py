"""Installing the platform on AWS by one list of steps, ``eks/install.yaml``.

The same list is what ``srectl install`` and ``srectl uninstall`` run, what they print as a script,
and the commands of ``docs/install-eks.md``.
"""
