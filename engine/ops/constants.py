"""numpy functions whose derivative is zero everywhere: on a Tensor they give plain arrays."""

from typing import Any

import numpy as np

from ..op import CONSTANT, constant

CONSTANT.update(
    (
        # what an array is like
        *(np.shape, np.ndim, np.size, np.result_type, np.broadcast_shapes, np.may_share_memory),
        *(np.zeros_like, np.ones_like, np.empty_like, np.iscomplexobj),
        # comparisons and questions
        *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
        *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor),
        *(np.isnan, np.isinf, np.isfinite, np.signbit, np.any, np.all),
        *(np.isneginf, np.isposinf, np.isreal, np.iscomplex, np.shares_memory),
        *(np.allclose, np.isclose, np.array_equal, np.array_equiv),
        # where, not how much
        *(np.argmax, np.argmin, np.argsort, np.nonzero, np.flatnonzero, np.count_nonzero),
        *(np.argwhere, np.searchsorted, np.digitize, np.unique, np.isin, np.bincount),
        *(np.histogram, np.lexsort),
        # steps
        *(np.floor_divide, np.heaviside, np.fix),
        *(np.sign, np.floor, np.ceil, np.rint, np.trunc, np.round, np.around),
        # text
        *(np.array2string, np.array_repr, np.array_str),
    )
)


@constant
def as_constants(x: Any) -> np.ndarray:
    """The numbers of x as a plain array, of Tensors and Values too: they have no gradient."""
    return np.asarray(x)
