"""The errors of the device runtime: each says where, what, and how to fix it."""

from __future__ import annotations


class DeviceError(Exception):
    """One problem on the device, told in one sentence with its remedy.

    Its `exit_code` is that of `python -m fpgacomp_runtime`, with the meaning of fpgacomp's own.

    Args:
        where: the file, port, transfer or register at fault.
        why: what is wrong with it, with the bad value.
        remedy: what the user can do about it.
    """

    exit_code = 1

    def __init__(self, where: str, why: str, remedy: str) -> None:
        super().__init__(where, why, remedy)
        self.where = where
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.where}: {self.why} Fix: {self.remedy}"


class DescriptionError(DeviceError):
    """deployment.json is missing, damaged, or of another version."""


class SampleError(DeviceError):
    """Samples that do not go with the network."""


class WrongDesign(DeviceError):
    """The device holds another design than the one that deployment.json describes."""


class TransferError(DeviceError):
    """A frame did not reach the accelerator, or its answer did not come back whole."""


class DeviceTimeout(TransferError):
    """An answer did not come in time."""


class NotInstalled(DeviceError):
    """The device lacks a Python package that is needed for what was asked."""

    exit_code = 3


class PackageRefused(DeviceError):
    """A package that is damaged, not made as a package must be, or not signed as it must be."""


class MissingPackage(DeviceError):
    """A file or folder that was named and is not there."""

    exit_code = 2


class InstallRefused(DeviceError):
    """A package that must not be installed here."""


class ActiveFailed(DeviceError):
    """The version that is active failed the test that was asked for."""


class InstallFailed(DeviceError):
    """The file system refused something."""

    exit_code = 3
