"""Why a request gets no prediction: one table of kinds, for MQTT and HTTP alike."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import DeviceError


class RefusalKind(NamedTuple):
    """What a kind of refusal means.

    Args:
        status: HTTP's status code.
        retry_after_s: when the same request may succeed; None where it never will.
    """

    status: int
    retry_after_s: float | None


# The kinds, as replies and metrics name them.
KINDS = {
    "malformed": RefusalKind(400, None),
    "too large": RefusalKind(413, None),
    "conflict": RefusalKind(409, None),
    "samples": RefusalKind(422, None),
    "busy": RefusalKind(429, 0.5),
    "disk full": RefusalKind(507, 1.0),
    "device": RefusalKind(503, 2.0),
    "stopping": RefusalKind(503, 2.0),
    "too slow": RefusalKind(408, 1.0),
    "not answered": RefusalKind(504, 1.0),
    "fault": RefusalKind(500, None),
}


class SettingsError(DeviceError):
    """An option of the service that is none, or contradicts another."""


class StateError(DeviceError):
    """The folder of the answers that were given cannot be used."""


class ServiceRefusal(DeviceError):
    """A request that gets an error instead of a prediction.

    Args:
        kind: a key of `KINDS`.
        where, why, remedy: see `DeviceError`.
    """

    def __init__(self, kind: str, where: str, why: str, remedy: str) -> None:
        super().__init__(where, why, remedy)
        self.args = (kind, where, why, remedy)
        self.kind = kind

    @property
    def status(self) -> int:
        """HTTP's status code."""
        return KINDS[self.kind].status

    @property
    def retry_after_s(self) -> float | None:
        """When the same request may succeed; None where it never will."""
        return KINDS[self.kind].retry_after_s

    def to_json(self) -> dict[str, Any]:
        """The member `error` of a reply."""
        found = {"kind": self.kind, "where": self.where, "why": self.why, "fix": self.remedy}
        if self.retry_after_s is not None:
            return dict(found, retry_after_s=self.retry_after_s)
        return found


def stopping() -> ServiceRefusal:
    """The refusal of whatever is not answered when the service stops."""
    return ServiceRefusal("stopping", "the service", "is being stopped.",
                          "ask again: the id stays valid.")  # fmt: skip
