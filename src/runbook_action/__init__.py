"""One step of a runbook, done to a cluster: the ``runbook-action`` Lambda.

The state machine ``incident-response-runbook`` calls it with an operation (plan, execute, verify
or undo), an action from the registry and a target. ``handler`` translates; ``actions`` decides;
``adapters`` talk to Kubernetes, EKS, STS and SSM. Nothing in ``actions`` imports a client.
"""
