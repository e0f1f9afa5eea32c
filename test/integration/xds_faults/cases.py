"""The list of cases. Each is a function of its stage, which does the harm and looks at what is said
of it; before it a configuration is in force, and after it the next one must be taken."""

import dataclasses
import typing


@dataclasses.dataclass
class Case:
    name: str
    run: typing.Callable
    options: dict


ALL = []
BOTH = ("sotw", "delta")


def case(name, kinds=("sotw",), **options):
    """A case for each of the kinds; `options` are the Stage's."""

    def add(function):
        for kind in kinds:
            title = name if len(kinds) == 1 else f"{name} ({kind})"
            ALL.append(Case(title, function, {"kind": kind, **options}))
        return function

    return add
