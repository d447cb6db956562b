"""What runs beside the accelerator on a device: the only part of fpgacomp that is installed there.

    import fpgacomp_runtime as runtime

    accelerator = runtime.open("software", transport)
    scores = accelerator.predict(images)

A package of `fpgacomp package` holds this folder under the name `fpgacomp_runtime`. It needs Python
3.8 and numpy, imports nothing else of fpgacomp, and names its own modules relatively. What a
transport needs beyond that (pynq, pyserial, pyxrt) is imported where it is used.
"""

from __future__ import annotations

from .accelerator import Accelerator, SelfTest, Ticket, open
from .deployment import Deployment, FramePort
from .errors import DeviceError

__all__ = ["Accelerator", "Deployment", "DeviceError", "FramePort", "SelfTest", "Ticket", "open"]
