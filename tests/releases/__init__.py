"""A mirror on loopback that serves publishers' releases made of what this machine has built."""
