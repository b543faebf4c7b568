"""The webhook's Lambda: alerts of any known sender in, incident events on the bus out."""
