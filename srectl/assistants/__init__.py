"""A deployment as assistants may read it, over the Model Context Protocol: nothing can be done.

The views are those of the commands and of the console. What alerts, pods and people wrote is given
as data: bounded, without what drives a terminal or hides text, and marked as others' words.
"""
