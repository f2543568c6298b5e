"""Runs the commands of the README in examples/python/shared."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from conftest import PATIENCE_S

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../../../examples/python/shared")


def outputs():
    """Returns the expected output of each command in the README."""
    with open(os.path.join(EXAMPLE, "README.md"), encoding="utf-8") as file:
        return re.findall(r"```console\n\$ ([^\n]*)\n(.*?)```", file.read(), re.S)


@pytest.mark.parametrize("command, expected", outputs(),
                         ids=[command for command, _ in outputs()])
def test_readme_says_what_happens(folder, command, expected):
    words = shlex.split(command)
    assert words[0] == "python3"
    done = subprocess.run([sys.executable, "-B", *words[1:]], cwd=EXAMPLE,
                          text=True, capture_output=True,
                          timeout=6 * PATIENCE_S)
    assert done.returncode == 0, done.stderr
    pattern = re.escape(expected).replace(r"\.\.\.", r"\d+")
    assert re.fullmatch(pattern, done.stdout), done.stdout
