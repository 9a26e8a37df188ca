"""Module calls as a tree, read off the scopes that ops carry."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator

from ..engine.graph import Node
from ..engine.modes import Scope


class Call:
    """One call of a module: the ops it made itself and the calls it made, in their order.

    A module that is called twice has two calls, so a drawing by calls stays free of cycles.

    A call holds what is inside of it, and only looks at what is around it: so a tree, and the graph
    that it is of, die with the outermost call, which whoever asks for `parent` has to hold.
    """

    def __init__(self, scope: Scope | None = None, parent: Call | None = None) -> None:
        self.scope = scope
        self._parent = weakref.ref(parent) if parent else None
        self.members: list[Node | Call] = []
        self.depth: int = parent.depth + 1 if parent else 0

    @property
    def parent(self) -> Call | None:
        return self._parent() if self._parent else None

    @property
    def calls(self) -> list[Call]:
        return [member for member in self.members if isinstance(member, Call)]

    def ops(self) -> Iterator[Node]:
        """All ops made inside, however deep."""
        for member in self.members:
            if isinstance(member, Call):
                yield from member.ops()
            else:
                yield member

    def above(self) -> list[Call]:
        """This call and those around it, the outermost first."""
        chain: list[Call] = []
        call: Call | None = self
        while call:
            chain.append(call)
            call = call.parent
        return chain[::-1]

    @property
    def title(self) -> str:
        """Its dotted path below the module around it: `ln_1` inside `blocks.0`."""
        assert self.scope is not None
        around = self.parent.scope.path if self.parent and self.parent.scope else ""
        return self.scope.path.removeprefix(f"{around}.") if around else self.scope.path


def call_tree(ops: Iterable[Node]) -> tuple[Call, dict[Node, Call]]:
    """The outermost call, which is of no module, and the call that each op was made in.

    A call's ops are born one after the other. So a scope that is left and entered again, or
    another scope of the same path, is another call.
    """
    stage = Call()
    stack, home = [stage], {}
    for node in ops:
        chain: list[Scope] = []
        scope = node.scope
        while scope is not None:
            chain.append(scope)
            scope = scope.parent
        chain.reverse()
        common = 0
        for call, inner in zip(stack[1:], chain, strict=False):
            if call.scope is not inner:
                break
            common += 1
        del stack[common + 1 :]
        for inner in chain[common:]:
            call = Call(inner, stack[-1])
            stack[-1].members.append(call)
            stack.append(call)
        stack[-1].members.append(node)
        home[node] = stack[-1]
    return stage, home


def around_all(calls: Iterable[Call]) -> Call | None:
    """The innermost call around all of these."""
    common: list[Call] | None = None
    for call in calls:
        above = call.above()
        if common is None:
            common = above
        else:
            same = [a for a, b in zip(common, above, strict=False) if a is b]
            common = same
    return common[-1] if common else None
