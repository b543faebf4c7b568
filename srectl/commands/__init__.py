"""The commands of ``srectl``, one file each."""
