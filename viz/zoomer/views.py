"""One region opened: its members as cards, and its border, where gradients come in and go out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ...engine import Tensor
from ...engine.graph import Node
from .. import nodes as words
from ..collapse import add_edges, add_leaves
from ..layers import LINE, depth
from ..plan import Card, Edge, Frame, Plan, card_of
from ..summary import shape_of
from .regions import MEMBERS, Region, Tree

STUBS = 8  # of each kind at a border; more are folded into one


@dataclass(eq=False)
class View:
    """What is seen when a region is open.

    Attributes:
        tree: of the graph that it is of.
        regions: the region that each of its closed boxes opens into.
        coming: what is made outside and used here, each with its card; several may share one.
        going: what is made here and used outside.
    """

    tree: Tree
    region: Region
    plan: Plan
    regions: dict[Card, Region] = field(default_factory=dict)
    coming: dict[Node, Card] = field(default_factory=dict)
    going: dict[Node, Card] = field(default_factory=dict)

    def stubs(self) -> set[Card]:
        """The cards at its border."""
        return {*self.coming.values(), *self.going.values()}

    def ops(self) -> Iterator[tuple[Card, Node]]:
        """The cards of single ops."""
        stubs = self.stubs()
        for card in self.plan.cards:
            single = card.border and not card.inside and card not in stubs
            if single and card.border[0].op is not None:
                yield card, card.border[0]


def view_of(tree: Tree, region: Region, starts: Iterable[Node] = ()) -> View:
    """The view of a region.

    Args:
        tree: of the graph.
        region: one of its regions.
        starts: leaves that stand for what is outside: of a definition its arguments.
    """
    plan = Plan(tree.root, downwards=isinstance(tree.root, Tensor))
    view, home = View(tree, region, plan), dict[Node, Card]()
    _members(view, region, home, None)
    ops = list(region.ops())
    inside = set(ops)
    used = sorted(dict.fromkeys(arg for node in ops for arg in node.parents()), key=_born)
    starts = set(starts)
    coming = [a for a in used if a in starts or (a not in inside and a.op is not None)]
    results = tree.going(region)
    going = [node for node in results if node is not tree.root]
    _stubs(view.coming, coming, "comes in", lambda node: _maker(tree, region, node))
    _stubs(view.going, going, "goes out", lambda node: _users(tree, region, inside, node))
    home |= view.coming
    leaves = [arg for arg in used if arg.op is None and arg not in starts]
    add_leaves(plan, [*leaves, *ops], home, MEMBERS)
    plan.cards[:0] = dict.fromkeys(view.coming.values())
    add_edges(plan, ops, home, results, arrays_too=True)
    plan.cards += dict.fromkeys(view.going.values())
    made = {(home[node], card): None for node, card in view.going.items()}
    plan.edges += [Edge(tail, head) for tail, head in made]
    modules = any(isinstance(one, Region) and one.kind != "folded" for one in region.members)
    plan.downwards = plan.downwards or modules or depth(plan.cards, plan.edges) > LINE
    return view


def _members(view: View, region: Region, home: dict[Node, Card], frame: Frame | None) -> None:
    plan = view.plan
    alone = None if region.around else region.alone()  # which stands open
    for member in region.members:
        if isinstance(member, Node):
            card = card_of(member, plan.root, not plan.downwards, frame)
            home[member] = card
        elif member is alone:
            inner = None
            if len(region.members) > 1:
                inner = Frame(member.title, member.word, frame)
                plan.frames.append(inner)
            _members(view, member, home, inner)
            continue
        else:
            kind = "folded" if member.kind == "folded" else "module"
            card = Card(kind, member.title, member.word, frame=frame)
            card.inside = list(member.ops())
            home.update(dict.fromkeys(card.inside, card))
            view.regions[card] = member
        plan.cards.append(card)


def _born(node: Node) -> int:
    return node.born


def _stubs(
    found: dict[Node, Card], nodes: list[Node], way: str, name: Callable[[Node], str]
) -> None:
    """A card for each node at a border, or one for what would be too many."""
    shown = nodes if len(nodes) <= STUBS else nodes[: STUBS - 1]
    for node in shown:
        shape = shape_of(node._data)
        found[node] = Card("folded", name(node), way, shape, node._data, border=[node])
    if rest := nodes[len(shown) :]:
        card = Card("folded", f"… {len(rest):,} more", way, border=rest)
        found.update(dict.fromkeys(rest, card))


def _maker(tree: Tree, region: Region, node: Node) -> str:
    """What a node that comes in is called outside."""
    if node.op is None or node.name:
        return words.title(node)
    return _title(tree.outside(node, region), node)


def _users(tree: Tree, region: Region, inside: set[Node], node: Node) -> str:
    """Who uses outside what goes out."""
    outer = (user for user in tree.users[node] if user not in inside)
    titles = dict.fromkeys(_title(tree.outside(user, region), user) for user in outer)
    return f"→ {', '.join(titles)}"


def _title(member: Node | Region, node: Node) -> str:
    """A module by its name, an op by its own, in whatever it is folded."""
    named = isinstance(member, Region) and member.kind != "folded"
    return member.title if named else words.title(node)  # type: ignore[union-attr]
