"""A graph as a tree of regions: modules, equal blocks in a row, and what is too much for one view.

A region is a box while it is closed, and a view of its own once it is opened. However large a graph
is, no region has more than `MEMBERS` of them, and this is so before anything is laid out.
"""

from __future__ import annotations

import itertools
import math
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...engine.graph import Node, ancestry
from .. import nodes as words
from ..calls import Call, call_tree
from ..summary import shape_of

MEMBERS = 40  # of one region; more are folded
RUN = 3  # ops between two modules that stay as they are even then


@dataclass(eq=False)
class Region:
    """Some ops of a graph, as its members: ops, and regions inside.

    It holds its members, and only looks at what is around it: the tree holds them all.

    Attributes:
        kind: "module", "copies" (equal modules in a row) or "folded" (consecutive members).
        title, word: what its box says.
        path: the module's dotted path, "" outside of all.
    """

    kind: str
    title: str
    word: str = ""
    path: str = ""
    members: list[Node | Region] = field(default_factory=list)
    _around: weakref.ref[Region] | None = None

    @property
    def around(self) -> Region | None:
        """The region that it is a member of."""
        return self._around() if self._around else None

    def ops(self) -> Iterator[Node]:
        """All ops inside, however deep, in their order."""
        for member in self.members:
            if isinstance(member, Region):
                yield from member.ops()
            else:
                yield member

    def copies(self) -> Iterator[Region]:
        """Of equal modules in a row, each."""
        for member in self.members:
            if isinstance(member, Region):
                yield from member.copies() if member.kind == "folded" else (member,)

    def alone(self) -> Region | None:
        """The module around all but a few ops, as around all but the loss; None if none is."""
        regions = [one for one in self.members if isinstance(one, Region)]
        return regions[0] if len(regions) == 1 and regions[0].kind == "module" else None

    def above(self) -> Iterator[Region]:
        """This region and those around it, the innermost first."""
        region: Region | None = self
        while region:
            yield region
            region = region.around


class Tree:
    """The regions of the graph behind a root.

    Attributes:
        top: the outermost region, which is all of the graph.
        home: the innermost region that each op is a member of.
        users: the ops that take a node.
    """

    def __init__(self, root: Node, since: int = 0) -> None:
        self.root = root
        self.nodes = ancestry(root, since)
        stage, _ = call_tree(node for node in self.nodes if node.op is not None)
        self.top = region_of(stage)
        self.home: dict[Node, Region] = {}
        self.users: dict[Node, list[Node]] = {}
        self._settle(self.top)
        for node in self.nodes:
            for parent in node.parents():
                self.users.setdefault(parent, []).append(node)

    def _settle(self, region: Region) -> None:
        for member in region.members:
            if isinstance(member, Region):
                member._around = weakref.ref(region)
                self._settle(member)
            else:
                self.home[member] = region

    def going(self, region: Region) -> list[Node]:
        """What is made in a region and used outside; the root, too."""
        inside = set(ops := list(region.ops()))
        used = (any(user not in inside for user in self.users.get(op, ())) for op in ops)
        return [op for op, out in zip(ops, used, strict=True) if out or op is self.root]

    def outside(self, node: Node, region: Region) -> Node | Region:
        """What stands for a node in the innermost view around a region that shows it: the op
        itself, or the closed region that it is in."""
        seen = set(region.above())
        member: Node | Region = node
        for one in self.home[node].above():
            if one in seen:
                break
            member = one
        return member


def region_of(call: Call) -> Region:
    """The region of a module call."""
    members = [region_of(one) if isinstance(one, Call) else one for one in call.members]
    scope = call.scope
    title, word, path = (call.title, scope.kind, scope.path) if scope else ("", "", "")
    return Region("module", title, word, path, folded(in_rows(members), path))


# Equal blocks in a row


def in_rows(members: list[Node | Region]) -> list[Node | Region]:
    """Neighbours that are equal modules as one region: `Block × 12`."""
    rows: list[Node | Region] = []
    for _, same in itertools.groupby(members, alike):
        row = list(same)
        if len(row) > 1 and isinstance(row[0], Region):
            first, last = row[0], row[-1]
            assert isinstance(last, Region)
            named = first.title if first.title == last.title else f"{first.title} … {last.title}"
            title = f"{first.word} × {len(row)}"
            rows.append(Region("copies", title, named, "", folded(row, "")))
        else:
            rows.extend(row)
    return rows


def alike(member: Node | Region) -> object:
    """Equal of equal modules; of an op, its own."""
    return signature(member) if isinstance(member, Region) else member.born


def signature(member: Node | Region) -> object:
    """What equal blocks have in common: class, ops, shapes."""
    if isinstance(member, Region):
        return member.kind, member.word, tuple(map(signature, member.members))
    return member.op, shape_of(member._data), words.options(member)


# What is too much for one view


def folded(members: list[Node | Region], path: str) -> list[Node | Region]:
    """At most `MEMBERS` of them: neighbours fold into regions, and these again. Ops between modules
    fold first, so that modules are seen.

    >>> from groundup.engine import Value
    >>> x = Value(1.0)
    >>> many = folded([x * 2 for _ in range(10_000)], "")
    >>> len(many), len(many[0].members), len(many[0].members[0].members)
    (22, 22, 20)
    >>> many[1].title, many[1].word
    ('… 455 ops', '455 to 909')
    """
    return _folded(members, path, 1)


def _folded(members: list[Node | Region], path: str, first: int) -> list[Node | Region]:
    if len(members) <= MEMBERS:
        return members
    runs = [list(run) for _, run in itertools.groupby(members, lambda one: isinstance(one, Node))]
    if len(runs) > 1:
        parts = [part for run in runs for part in ([run] if _is_long(run) else [[m] for m in run])]
        members = _chunks(parts, path, first)
        if len(members) <= MEMBERS:
            return members
    levels = math.ceil(math.log(len(members), MEMBERS))
    many, count = len(members), math.ceil(len(members) ** (1 / levels))
    cuts = [many * i // count for i in range(count + 1)]
    return _chunks([members[a:b] for a, b in itertools.pairwise(cuts)], path, first)


def _is_long(run: list[Node | Region]) -> bool:
    return isinstance(run[0], Node) and len(run) > RUN


def _chunks(parts: list[list[Node | Region]], path: str, first: int) -> list[Node | Region]:
    """Each part as one region, if it is more than one member; `first` is the number of its ops."""
    found: list[Node | Region] = []
    for part in parts:
        region = Region("folded", "", path=path, members=_folded(part, path, first))
        count = sum(1 for _ in region.ops())
        region.title = f"… {count:,} op{'s' * (count != 1)}"
        region.word = f"{first:,} to {first + count - 1:,}"
        first += count
        found.append(part[0] if len(part) == 1 else region)
    return found
