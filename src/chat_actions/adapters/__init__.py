"""One module for each service outside: AWS, and Slack."""
