"""Collect every fault of a landing and raise them once, as one IngestError."""

from dataclasses import dataclass, field

from warehouse.errors import Fault, IngestError


@dataclass(slots=True)
class Faults:
    """The faults seen so far; `stop` ends the landing when there are any."""

    seen: list[Fault] = field(default_factory=list)

    def add(self, where: str, rule: str, remedy: str, count: int | None = None) -> None:
        fault = Fault(where=where, rule=rule, remedy=remedy, count=count)
        if fault not in self.seen:
            self.seen.append(fault)

    def absorb(self, error: IngestError) -> None:
        for fault in error.faults:
            self.add(fault.where, fault.rule, fault.remedy, fault.count)

    def stop(self) -> None:
        if self.seen:
            raise IngestError(self.seen)


def refuse(where: str, rule: str, remedy: str, count: int | None = None) -> IngestError:
    """An IngestError of a single fault, for the caller to raise."""
    return IngestError([Fault(where=where, rule=rule, remedy=remedy, count=count)])
