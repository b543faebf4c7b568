"""The one-machine stack as a whole: its parts, their order, its supervisor and its state."""
