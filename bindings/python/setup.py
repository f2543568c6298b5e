"""Builds the extension against the shmrpc that pkg-config finds."""

import glob
import shlex
import subprocess

from setuptools import Extension, setup

try:
    from wheel.bdist_wheel import bdist_wheel
except ImportError:
    bdist_wheel = None


def pkg_config(*options):
    command = ["pkg-config", *options, "shmrpc-svc"]
    return shlex.split(subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True).stdout)


commands = {}
if bdist_wheel is not None:
    class Wheel(bdist_wheel):
        """One wheel for all Pythons from 3.11 on."""

        def finalize_options(self):
            self.py_limited_api = "cp311"
            super().finalize_options()

    commands["bdist_wheel"] = Wheel

libraries = pkg_config("--libs")
folders = [flag[2:] for flag in libraries if flag.startswith("-L")]
setup(
    cmdclass=commands,
    ext_modules=[Extension(
        "shmrpc._core",
        sources=sorted(glob.glob("src/*.c")),
        depends=sorted(glob.glob("src/*.h")),
        define_macros=[("Py_LIMITED_API", "0x030b0000")],
        extra_compile_args=["-std=c11", "-fvisibility=hidden",
                            *pkg_config("--cflags")],
        extra_link_args=[*libraries,
                         *(f"-Wl,-rpath,{folder}" for folder in folders)],
        py_limited_api=True,
    )],
)
