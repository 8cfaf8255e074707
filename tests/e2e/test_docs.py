"""test_docs.py -- what the pages say holds: their rule files load and pass, and their tables list what is served.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import shutil
import subprocess

import pytest

from harness import BINARY, BUDGETS, PATIENCE, TOP


def page(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        return f.read()


@pytest.mark.parametrize("name", ["README.md", "rules/README.md"])
def test_rule_files_on_the_pages_load_and_pass(name, tmp_path):
    examples = re.findall(r"```lua\n(.*?)```", page(name), re.S)
    assert examples
    shutil.copy(os.path.join(TOP, "rules", "words.lua"), tmp_path)
    for i, example in enumerate(examples):
        (tmp_path / f"example{i}.lua").write_text(example)
    done = subprocess.run([BINARY, "test", str(tmp_path)], capture_output=True, text=True, timeout=PATIENCE, check=False,
                          env={**os.environ, **BUDGETS})
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "ok " in said, said
    assert "warning" not in said, said


def test_readme_lists_the_endpoints_that_are_served(server):
    served = {link["path"] for link in server.get("/").json()["endpoints"]}
    table = page("README.md").split("## Endpoints")[1].split("## ")[0]
    for path in served:
        shown = re.sub(r"{(\w+)}", lambda part: part.group(1).upper(), path)
        if path.startswith("/api/") or path in ("/predict", "/metrics", "/health", "/readyz", "/i"):
            assert shown in table, path
    for path in re.findall(r"`(?:GET|POST) (/api/[^?`]*)", table):
        assert re.sub(r"[A-Z]+", lambda part: "{" + part.group().lower() + "}", path) in served, path
