"""Parses policy text in a process of its own: deeply nested text can crash the parser or keep it busy for minutes.

Run as a script: schema and texts in on stdin, one finding per text out on stdout, both JSON. The parsing thread gets a
small stack, so that what passes here fits on any stack of the vault. Judges nothing; `organisation` does.
"""

from __future__ import annotations

import json
import sys
import threading

import cedarpy

_STACK = 1 << 20


def find(text: str, schema: str) -> dict[str, object]:
    """`{"error": sentence}` if the text is not valid policy, else the parsed policies as Cedar's own JSON."""
    try:
        cedarpy.PolicySet.from_str(text)
        checked = cedarpy.validate_policies(text, schema)
        if not checked:
            return {"error": "; ".join(error.error for error in checked.errors)}
        found: dict[str, object] = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        return {"error": str(error)}
    return found


def main() -> None:
    """Read the request, answer it on a thread with a small stack."""
    request = json.load(sys.stdin)
    findings: list[dict[str, object]] = []
    threading.stack_size(_STACK)
    work = threading.Thread(target=lambda: findings.extend(find(text, request["schema"]) for text in request["texts"]))
    work.start()
    work.join()
    if len(findings) != len(request["texts"]):
        sys.exit(1)
    json.dump(findings, sys.stdout)


if __name__ == "__main__":
    main()
