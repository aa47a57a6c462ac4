"""Sends GradBench's messages to `cotangent gradbench` and compares its answers, as
GradBench does: numbers may differ by the message's tolerance relative to the larger
of 1 and their sum.

    python3 gradbench.py COTANGENT DEVICE FILE.jsonl..."""

import json
import subprocess
import sys


def differs(got, want, tolerance):
    if isinstance(want, list):
        return not isinstance(got, list) or len(got) != len(want) or any(differs(g, w, tolerance) for g, w in zip(got, want))
    if isinstance(want, dict):
        return not isinstance(got, dict) or got.keys() != want.keys() or any(differs(got[k], want[k], tolerance) for k in want)
    if isinstance(want, (int, float)):
        return not isinstance(got, (int, float)) or not abs(got - want) <= tolerance * max(1, abs(got) + abs(want))
    return got != want


def main(cotangent, device, *files):
    failed = 0
    for file in files:
        with open(file) as f:
            lines = [json.loads(line) for line in f]
        command = [cotangent, "gradbench", "--device", device, "--native=false"]
        text = "".join(json.dumps(line["message"]) + "\n" for line in lines)
        answers = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        if len(answers) != len(lines):
            print(f"--- FAIL: {file}: {len(answers)} answers to {len(lines)} messages")
            failed += 1
            continue
        for line, answer in zip(lines, map(json.loads, answers)):
            function = line["message"].get("function")
            if function is None or line["output"] is None:
                continue
            name = f"{line['message']['module']}::{function}"
            if not answer.get("success") or differs(answer.get("output"), line["output"], line["tolerance"]):
                print(f"--- FAIL: {name}: {json.dumps(answer)[:500]}")
                failed += 1
            else:
                print("right:", name, {t["name"]: t["nanoseconds"] for t in answer.get("timings", [])})
    sys.exit(failed > 0)


main(*sys.argv[1:])
