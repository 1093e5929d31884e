"""Views for notebooks: what the engine gives, as HTML that needs nothing else.

``html`` makes the views, ``magic`` is the IPython extension that ``%load_ext binder`` loads.
"""
