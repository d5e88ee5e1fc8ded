"""Runs where MTEB is installed: reads a folder of results, prints the scores by model and task as JSON."""

import json
import sys
from pathlib import Path

import mteb
from mteb.results import TaskResult

root = Path(sys.argv[1])
found: dict[str, dict[str, float]] = {}
for path in sorted(root.glob("results/*/*/*.json")):
    if path.name == "model_meta.json":
        continue
    result = TaskResult.from_disk(path, load_historic_data=False)
    found.setdefault(path.parent.parent.name, {})[result.task_name] = result.get_score()
tasks = sorted({task for scores in found.values() for task in scores})
loaded = mteb.ResultCache(root).load_results(tasks=tasks, include_remote=False)
frame = loaded.to_dataframe()
cached = {
    column: dict(zip(frame["task_name"], frame[column], strict=True))
    for column in frame.columns
    if "/" in column
}
print(json.dumps({"files": found, "cache": cached}))
