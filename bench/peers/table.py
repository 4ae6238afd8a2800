"""Prints the medians of what run.sh collected: a line is KIND and JSON, a failure KIND and words."""
import json
import statistics
import sys

ours, peers, failures = {}, {}, []
for line in open(sys.argv[1], encoding="utf-8"):
    kind, _, rest = line.strip().partition(" ")
    try:
        figures = json.loads(rest)
    except ValueError:
        failures += [rest] if rest else []
        continue
    if kind.startswith("ours-"):
        row = figures[0] if isinstance(figures, list) else figures
        ours.setdefault(kind.removeprefix("ours-"), []).append(row["wf_s"])
    elif figures.get("rc") == 0 and "wf_per_s" in figures:
        peers.setdefault((kind, figures["label"]), []).append(figures["wf_per_s"])
    else:
        failures.append(f"{figures['label']} ended with {figures.get('rc')}")

steps = {"four": "4 steps", "one": "1 step"}
print("| job | peer | its workflows/s | ours | ours / peer | rounds |\n|---|---|---|---|---|---|")
for (kind, label), rates in sorted(peers.items(), key=lambda item: (item[0][0], -statistics.median(item[1]))):
    rate, own = statistics.median(rates), statistics.median(ours[kind])
    print(f"| {steps[kind]} | {label} | {rate:,.0f} | {own:,.0f} | {own / rate:.1f} | {len(rates)} |")
for failure in sorted(set(failures)):
    print(f"failed: {failure}")
