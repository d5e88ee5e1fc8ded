"""A gate's outcome as Markdown, for a pull request's comment, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchmarks.regressions.gate import Gate
from benchmarks.regressions.quality import CHANGED, PASSING, SHOWN, Change
from benchmarks.regressions.timing import Shift
from benchmarks.rendering.markdown import code, document, escape, table
from benchmarks.suites import Cell

MARK = "<!-- retriever-bench regress -->"
"""By which a workflow finds the comment it wrote before."""


def comment(gate: Gate) -> str:
    """What moved first; of cells that did not, a line."""
    blocks = [MARK, f"## {_title(gate)}", _counts(gate)]
    for cell in gate.moved:
        blocks += _moved(gate, cell)
    if gate.unmeasured:
        lines = [f"- {_name(cell)}: {escape(why)}" for cell, why in gate.unmeasured.items()]
        blocks += ["### Could not be measured", "\n".join(lines)]
    if gate.shifts:
        blocks += ["### Speed and memory", _ABOUT, _timings(gate)]
    if gate.untimed:
        reasons = dict.fromkeys(gate.untimed.values())
        counts = {why: sum(one == why for one in gate.untimed.values()) for why in reasons}
        blocks.append(
            "\n".join(
                f"- Speed of {count} cells not compared: {escape(why)}." for why, count in counts.items()
            )
        )
    return document(*blocks)


_ABOUT = (
    "Medians of rounds, each a fresh process on one thread, the rounds of all cells in turn: searches as multiples of a fixed "
    "piece of work timed among them, memory in MiB. Called where a permutation test over rounds has p < 0.01 and the medians "
    "differ by more than a fifth (memory: by more than 15 %), in either direction."
)


def to_json(gate: Gate) -> dict[str, Any]:
    """The same for programs."""
    return {
        "passed": gate.passed,
        "cells": [
            {**asdict(change), "speed": [_shift(one) for one in gate.shifts.get(cell, ())]}
            for cell, change in gate.changes.items()
        ],
        "unmeasured": [{"spec": spec, "collection": id, "why": why} for (spec, id), why in gate.unmeasured.items()],
        "untimed": [{"spec": spec, "collection": id, "why": why} for (spec, id), why in gate.untimed.items()],
    }  # fmt: skip


def _shift(one: Shift) -> dict[str, Any]:
    return {**asdict(one), "ratio": one.ratio}


def _title(gate: Gate) -> str:
    if not gate.changes:
        return "Nothing was compared"
    if gate.moved:
        return f"{len(gate.moved)} of {len(gate.changes)} cells moved"
    if gate.unmeasured:
        return "Not all could be measured"
    return "Nothing moved in quality; speed was not compared everywhere" if gate.untimed else "Nothing moved"


def _counts(gate: Gate) -> str:
    words = [change.word for change in gate.changes.values()]
    counts = [f"{words.count(word)} {word}" for word in (*PASSING, CHANGED) if word in words]
    if gate.unmeasured:
        counts.append(f"{len(gate.unmeasured)} not measured")
    return f"Quality: {', '.join(counts)}." if counts else ""


def _moved(gate: Gate, cell: Cell) -> list[str]:
    change = gate.changes[cell]
    blocks = [f"### {_name(cell)}"]
    blocks += [f"{_said(one)}." for one in gate.shifts.get(cell, ()) if one.called]
    if change.passes:
        return blocks
    shown = [name for name in change.after if change.before.get(name) != change.after[name]]
    rows = [
        [escape(name), f"{change.before[name]:.4f}", f"{change.after[name]:.4f}", f"{change.after[name] - change.before[name]:+.4f}"]
        for name in shown if name in change.before
    ]  # fmt: skip
    blocks.append(
        table(["measure", "accepted", "now", "change"], rows) if rows else "No mean moved; the run did."
    )
    blocks.append("Likely cause: " + "; ".join(escape(why) for why in change.causes) + ".")
    return [*blocks, *_queries(change)]


def _queries(change: Change) -> list[str]:
    if not change.moved:
        return []
    rows = [
        [
            escape(one.query),
            f"{one.before:.4f}",
            f"{one.after:.4f}",
            _rank(one.rank_before),
            _rank(one.rank_after),
        ]
        for one in change.moved
    ]
    most = f"the {SHOWN} that moved most" if change.count > SHOWN else "all of them"
    head = ["query", f"{change.measure} accepted", "now", "first relevant at", "now at"]
    return [f"{change.count} queries moved in {change.measure}; {most}:", table(head, rows)]


def _rank(rank: int) -> str:
    return str(rank) if rank else "none"


def _said(one: Shift) -> str:
    worse = {"search": ("slower", "faster"), "memory": ("more memory", "less memory")}[one.what]
    how = worse[one.ratio < 1]
    return f"**{how}**: {_percent(one)} ({_amount(one, one.before)} to {_amount(one, one.after)}, p = {one.p_value:.3f})"


def _timings(gate: Gate) -> str:
    rows = [
        [_name(cell), one.what, _amount(one, one.before), _amount(one, one.after), _percent(one), f"{one.p_value:.3f}", "yes" if one.called else ""]
        for cell, found in gate.shifts.items() for one in found
    ]  # fmt: skip
    return table(["cell", "what", "accepted", "now", "change", "p", "called"], rows, text=(0, 1))


def _percent(one: Shift) -> str:
    return f"{100 * (one.ratio - 1):+.0f} %"


def _amount(one: Shift, value: float) -> str:
    return f"{value / 2**20:.0f}" if one.what == "memory" else f"{value:.3f}"


def _name(cell: Cell) -> str:
    spec, collection = cell
    return f"{code(spec)} on {escape(collection)}"
