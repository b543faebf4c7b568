"""srectl: the operator's tool of the SRE platform."""
