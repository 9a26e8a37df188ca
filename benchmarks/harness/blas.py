"""Which matrix product a process runs: the same library has a kernel for each kind of CPU."""

from __future__ import annotations

import sys


def kernels_in_use() -> list[str]:
    """Each BLAS that computes in this process: its name, version, kernel and threads."""
    if "torch" in sys.modules:
        return [by_torch()]
    if "numpy" not in sys.modules:
        return []
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return [by_numpy()]
    return [
        f"{info['internal_api']} {info['version']} {info.get('architecture', '')}, "
        f"{info['num_threads']} thread{'s' * (info['num_threads'] > 1)}"
        for info in threadpool_info()
        if info["user_api"] == "blas"
    ]


def by_torch() -> str:
    """PyTorch's own, which is linked into it and so found by nobody else. numpy's is loaded there
    too, and has nothing to do."""
    import torch

    blas = "MKL" if torch.backends.mkl.is_available() else "another BLAS"
    threads = torch.get_num_threads()
    return (
        f"PyTorch's {blas}, CPU capability {torch.backends.cpu.get_cpu_capability()}, "
        f"{threads} thread{'s' * (threads > 1)}"
    )


def by_numpy() -> str:
    """What numpy was built with, which is less: not the kernel that was chosen here."""
    import numpy as np

    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index]
    return f"{built['name']} {built['version']} (kernel unknown: threadpoolctl is not installed)"
