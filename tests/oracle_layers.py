"""How the layers without a memory are tried against PyTorch's; see `oracle.py`."""

from groundup.engine.samples import Draw
from oracle import Trial, parity


@parity("Linear")
def linear(draw: Draw) -> Trial:
    inputs, outputs = draw.sides(2, 1, 4)
    options = {"in_features": inputs, "out_features": outputs, "bias": draw.boolean()}
    return Trial(options, (draw.array((*draw.shape(max_dims=3), inputs)),))


@parity("LayerNorm")
def layer_norm(draw: Draw) -> Trial:
    shape = draw.sides(draw.integer(1, 2), 2, 3)
    options = {
        "normalized_shape": shape if len(shape) > 1 or draw.boolean() else shape[0],
        "eps": draw.choice((1e-5, 0.1)),
        "elementwise_affine": draw.boolean(),
        "bias": draw.boolean(),
    }
    return Trial(options, (draw.array((*draw.shape(max_dims=2), *shape), distinct=True),))
