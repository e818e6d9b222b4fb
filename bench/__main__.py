"""`make bench`: the measurements of this folder, listed and run one after another.

`make bench ARGS=list` only lists them; `make bench ARGS="upload 256"` runs one and hands the rest
of the words to it. Each runs in a process of its own, inside `deploy.local test`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# What a script cannot do without; it runs only when asked by name.
NEEDS = {"imaging": "STUDY_DIR", "transfers": "STUDY_DIR"}


def scripts() -> dict[str, str]:
    """Each script that can be run, and the first sentence about it."""
    files = {path.stem: path for path in HERE.glob("*.py") if not path.stem.startswith("_")}
    files |= {path.parent.name: path for path in HERE.glob("*/__main__.py")}
    found = {}
    for name, path in sorted(files.items()):
        tree = ast.parse(path.read_text())
        if any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in tree.body):
            found[name] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def show(found: dict[str, str]) -> None:
    for name, sentence in found.items():
        print(f"  {name:14} {NEEDS.get(name, ''):10} {sentence}", flush=True)


def run(name: str, *words: str) -> int:
    print(f"\n== {name}", flush=True)
    return subprocess.run([sys.executable, "-m", f"bench.{name}", *words], check=False).returncode


def main(words: list[str]) -> int:
    found = scripts()
    if words and words[0] in found:
        name, *rest = words
        if name in NEEDS and not rest:
            print(f"{name} needs {NEEDS[name]}: make bench ARGS='{name} {NEEDS[name]}'")
            return 2
        return run(name, *rest)
    show(found)
    if words:
        return 0 if words == ["list"] else 2
    return max([run(name) for name in found if name not in NEEDS], key=abs)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
