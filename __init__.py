"""groundup: from one number to a trained Transformer, in one engine.

Import a room by its name: `from groundup.engine import Value, Tensor` or
`from groundup import nn, models, train, viz`.
"""

__version__ = "0.1.0"
