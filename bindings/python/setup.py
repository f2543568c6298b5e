"""Builds the extension against the shmrpc that pkg-config finds.

If shmrpc's static libraries are installed, they are linked into the extension,
so that the wheel runs on machines without libshmrpc.  SHMRPC_LINK=shared links
the shared library instead.
"""

import glob
import os
import shlex
import subprocess

from setuptools import Extension, setup

try:
    from wheel.bdist_wheel import bdist_wheel
except ImportError:
    bdist_wheel = None

PACKAGE = "shmrpc-svc"
OURS = ("-lshmrpc-svc", "-lshmrpc")


def pkg_config(*options):
    command = ["pkg-config", *options, PACKAGE]
    try:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                              text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"shmrpc: {' '.join(command)} failed ({error}): install shmrpc "
            "first (cmake --install), and set PKG_CONFIG_PATH to its "
            "lib/pkgconfig if it is not in a usual place") from error
    return shlex.split(done.stdout)


def archives():
    """Returns the static libraries in the order in which they are linked; an
    empty list if one of them is missing."""
    folder = pkg_config("--variable=libdir")[0]
    paths = [os.path.join(folder, f"lib{flag[2:]}.a") for flag in OURS]
    return paths if all(map(os.path.exists, paths)) else []


def how_to_link():
    """Returns objects and options for the linker."""
    how = os.environ.get("SHMRPC_LINK", "")
    if how not in ("", "static", "shared"):
        raise SystemExit(f"shmrpc: SHMRPC_LINK={how}: expected static or shared")
    objects = archives() if how != "shared" else []
    if how == "static" and not objects:
        raise SystemExit("shmrpc: SHMRPC_LINK=static, but no libshmrpc.a is "
                         "installed")
    if objects:
        others = [flag for flag in pkg_config("--libs", "--static")
                  if flag not in OURS]
        # Symbols of the archives must not be visible outside of the extension.
        return objects, ["-Wl,--exclude-libs,ALL", "-Wl,--gc-sections",
                         "-Wl,--as-needed", *others]
    libraries = pkg_config("--libs")
    return [], [*libraries, *(f"-Wl,-rpath,{flag[2:]}" for flag in libraries
                              if flag.startswith("-L"))]


commands = {}
if bdist_wheel is not None:
    class Wheel(bdist_wheel):
        """Makes one wheel for all Pythons from 3.11 on."""

        def finalize_options(self):
            self.py_limited_api = "cp311"
            super().finalize_options()

    commands["bdist_wheel"] = Wheel

extra_objects, link_options = how_to_link()
setup(
    cmdclass=commands,
    ext_modules=[Extension(
        "shmrpc._core",
        sources=sorted(glob.glob("src/*.c")),
        depends=[*sorted(glob.glob("src/*.h")), *extra_objects],
        define_macros=[("Py_LIMITED_API", "0x030b0000")],
        extra_compile_args=["-std=c11", "-fvisibility=hidden",
                            *pkg_config("--cflags")],
        extra_objects=extra_objects,
        extra_link_args=link_options,
        py_limited_api=True,
    )],
)
