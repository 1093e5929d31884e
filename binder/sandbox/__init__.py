"""Where Python programs run: each in a fresh process that can reach nothing but its tables and the LM calls it makes.

``host`` is this process's side. ``warm`` is a process that has pandas loaded, has never run a program and forks one
child a program; ``child`` is what happens in the child; ``policy`` is what the kernel keeps from it. The last three are
loaded in the warm process alone and import nothing of ``binder`` but each other.
"""
