"""The ``chat-actions`` Lambda: an incident's card in Slack, and the answers that come from it."""
