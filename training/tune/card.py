"""The card of a tuning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.tune.report import FORM, Report, gate_line, measurement_table, row_table

TEMPLATE = Path(__file__).with_name("card.md.jinja")


def tuning_card(report: Report, source: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """`README.md` of a tuning.

    Args:
        report: see `Report`.
        source, options: of the command.
    """
    from jinja2 import Template

    left_out = (
        f"- {name}: {'; '.join(f'{reason}: {n}' for reason, n in reasons.items())}"
        for name, reasons in report["left_out"].items()
        if reasons
    )
    gate = gate_line(report["gate"])
    template = Template(TEMPLATE.read_text("utf-8"), keep_trailing_newline=True)
    text: str = template.render(
        name=Path(source["out"]).resolve().name,
        report=report,
        source=source,
        options=options,
        training=report["training"],
        form=FORM,
        gate=f"{gate[0].upper()}{gate[1:]}.",
        rows="\n".join(row_table(report)),
        left_out="\n".join(left_out),
        measurements="\n".join(measurement_table(report)),
    )
    return text
