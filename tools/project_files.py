"""Which files are the project's own, for the tools/check_* scripts."""

import fnmatch
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _all_files(root):
    git = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=root, capture_output=True, check=False) if (root / ".git").exists() else None
    if git is not None and git.returncode == 0:
        return [name for name in git.stdout.decode().split("\0") if name]
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in ("build", ".git", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return found


def project_files(*patterns, root=ROOT):
    """Paths relative to the root, sorted, of files that exist and match one of the patterns."""
    return sorted({name for name in _all_files(root)
                   if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
                   and (root / name).is_file()})


def finish(problems, checked):
    """Prints the problems, or what was checked; ends the program."""
    for problem in problems:
        print(problem)
    if not problems:
        print(checked)
    sys.exit(1 if problems else 0)


def root_from_arguments():
    """The checks' own tests run them on small trees: `check_x ROOT`."""
    return pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
