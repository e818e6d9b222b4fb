"""Promises the whole repository keeps about how its code is laid out."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ["secondop", "records", "requests_app", "specialists"]
SOURCES = [
    path
    for app in APPS
    for path in sorted((ROOT / app).rglob("*.py"))
    if "migrations" not in path.parts
]
EDGES = [path for path in SOURCES if {"views", "api"} & set(path.parts)]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def short(path):
    return str(path.relative_to(ROOT))


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def test_apps_form_a_staircase():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", EDGES, ids=short)
def test_edges_fetch_only_through_the_door(path):
    text = path.read_text()
    assert "get_object_or_404(" not in text
    assert not re.search(r"\.objects\.get\(", text)


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_status_is_assigned_only_by_move_to_or_a_job(path):
    if short(path) in ("secondop/lib/transitions.py", "secondop/jobs/models.py"):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            is_status = isinstance(target, ast.Attribute) and target.attr == "status"
            assert not is_status, f"{short(path)}:{node.lineno}"


@pytest.mark.parametrize("path", [p for p in SOURCES if "workflow" not in short(p)], ids=short)
def test_states_move_only_in_a_workflow(path):
    if short(path) == "secondop/lib/transitions.py":
        return
    assert ".move_to(" not in path.read_text()


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_files_and_functions_stay_small(path):
    assert len(path.read_text().splitlines()) <= 400
    for function in functions(path):
        length = function.end_lineno - function.lineno + 1
        assert length <= 60, f"{short(path)}:{function.lineno} {function.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_no_file_without_a_role(path):
    assert path.stem not in {"utils", "helpers", "common", "base", "misc"}


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_every_module_says_what_lives_there(path):
    tree = ast.parse(path.read_text())
    if tree.body and path.name != "apps.py":
        assert ast.get_docstring(tree), f"{short(path)} has no first line"


def test_no_hidden_doors():
    """No `save()` with side effects, and one signal: a request that ends early."""
    for path in SOURCES:
        if "models" in path.parts or path.stem == "models":
            assert not [f.name for f in functions(path) if f.name == "save"], short(path)
    signals = [p for p in SOURCES if re.search(r"= (django\.dispatch\.)?Signal\(\)", p.read_text())]
    assert [short(p) for p in signals] == ["requests_app/signals.py"]


@pytest.mark.parametrize("path", TEMPLATES, ids=short)
def test_templates_hold_no_inline_script_or_style(path):
    text = re.sub(r"{%.*?%}", "", path.read_text())
    if "templates/reports" in short(path):  # the PDF's own page, never sent to a browser
        return
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", text)
    assert not re.search(r"\son[a-z]+=\"", text)
    assert not re.search(r"\sstyle=\"", text)


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_tasks_are_doorbells(path):
    """A task takes ids, ignores results, and its body is short."""
    if path.name != "tasks.py":
        return
    for function in functions(path):
        length = function.end_lineno - function.lineno + 1
        assert length <= 20, f"{function.name} has {length} lines"


def test_a_web_process_loads_no_library_of_pixels_or_of_object_stores():
    """They take a third of its memory: pictures are made in a guarded child, files may be local."""
    heavy = ("numpy", "PIL", "pydicom", "pynetdicom", "boto3", "pikepdf", "lxml", "weasyprint")
    program = (
        "import sys, secondop.wsgi\nfrom django.urls import get_resolver\n"
        "get_resolver().reverse_dict\nget_resolver().check()\n"
        f"print(*[name for name in {heavy!r} if name in sys.modules])"
    )
    settings = {"DJANGO_SETTINGS_MODULE": "secondop.settings", "S3_ENDPOINT_URL": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | settings, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == []
