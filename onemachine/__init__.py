"""The one-machine stack: real parts, loopback only. Never imported by a Lambda."""
