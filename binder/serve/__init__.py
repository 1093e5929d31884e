"""The page that ``binder serve`` opens: questions about tables, for people without a notebook.

``conversation`` is what is asked and what became of it, ``views`` what of it is shown, ``app`` the addresses that the
page's script calls, ``guard`` who may call them, ``command`` the command line. ``static`` holds the script and the
style.
"""
