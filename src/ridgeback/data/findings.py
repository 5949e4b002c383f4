"""What a pre-flight check found: findings with advice, as data and as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Level = Literal["info", "warning", "error"]

_MARKS = {"info": "  ", "warning": "! ", "error": "x "}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    level : {"info", "warning", "error"}
        "error" means that a fit will refuse the data.
    topic : str
        What it is about, such as ``"duplicates"``.
    message : str
        What was found, with its numbers.
    action : str
        What to do about it.
    """

    level: Level
    topic: str
    message: str
    action: str


@dataclass(frozen=True)
class CheckReport:
    """The findings of a pre-flight check, in the order in which they were looked for.

    Attributes
    ----------
    findings : tuple of Finding
    figures : dict
        The numbers behind the messages: n_users, n_items, n_interactions, density, ...; with a model also
        `fit_seconds` and `fit_peak_bytes`.
    """

    findings: tuple[Finding, ...]
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def has_errors(self) -> bool:
        """Whether a fit would refuse the data."""
        return any(finding.level == "error" for finding in self.findings)

    def about(self, topic: str) -> list[Finding]:
        """The findings on one topic."""
        return [finding for finding in self.findings if finding.topic == topic]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        return {"findings": [asdict(finding) for finding in self.findings], "figures": dict(self.figures)}

    def __str__(self) -> str:
        width = max((len(finding.topic) for finding in self.findings), default=0)
        indent = " " * (width + 4)
        lines = []
        for finding in self.findings:
            head = f"{_MARKS[finding.level]}{finding.topic:<{width}}  "
            for text in (finding.message, f"-> {finding.action}"):
                lines.append(textwrap.fill(text, 110, initial_indent=head, subsequent_indent=indent))
                head = indent
        return "\n".join(lines)
