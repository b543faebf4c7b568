"""What an operator does to a deployed platform; AWS clients come from outside, nothing is printed.

Works on whatever account the environment names, a real one or the local stack. Each module stands
for one kind of duty; the commands in :mod:`srectl.commands` only ask and show.
"""
