"""Python code in the dialect of the sandbox: what its interpreter lacks is said in other words, or the code is not run at all.

Missing are `del`, methods as values (`key=d.get`, `str.upper`), a few methods, and text encodings other than UTF-8 and ASCII. A gap
that shows only at run time is noted in `_gaps`, since the code itself might catch the exception and go on as if nothing were.
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass

from breakeven.alignment.task import Declined

_TYPES = {"str": str, "list": list, "dict": dict, "tuple": tuple, "set": set, "int": int, "float": float, "bytes": bytes}
_METHODS = frozenset(name for kind in _TYPES.values() for name in dir(kind) if not name.startswith("_"))
_NOT_THERE = frozenset({
    "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag", "numerator",
    "real", "to_bytes", "fromhex", "hex", "is_integer",
})  # fmt: skip
"""Methods that the interpreter lacks and that are not said in other words."""
_REWRITTEN = frozenset({
    "translate", "maketrans", "format_map", "difference_update", "intersection_update", "symmetric_difference_update", "encode",
    "decode",
})  # fmt: skip
_OWN_CLASS = frozenset({"fromkeys"})
_STANDARD = frozenset({"math", "re", "collections", "itertools", "functools", "copy", "json", "typing"})
_UNSTEADY = frozenset({
    "random", "time", "datetime", "uuid", "secrets", "os", "sys", "input", "id", "hash", "object", "globals", "locals", "vars",
    "dir", "hasattr", "getattr", "setattr", "delattr", "callable", "eval", "exec", "compile", "open", "breakpoint", "help", "exit",
    "quit", "memoryview", "super", "yield", "async", "await", "ascii", "bytearray", "issubclass",
})  # fmt: skip
"""Names that make a result depend on more than the code, or that the sandbox takes otherwise than Python."""
_OURS = re.compile(
    r"__[a-z]+__|_(?:o|a|gaps|turned|delete|typed|plain|host_encode|host_decode|decode|format_map|maketrans|translate|encode|[a-z_]+_update)"
)
_MARKS = re.compile(r"[;#\n\\\\]|:=")
"""What could make more than one expression of a call in brackets."""
_WORD = re.compile(r"[A-Za-z_]\w*")
_VALUE = re.compile(r"\.\s*[A-Za-z_]\w*\b(?!\s*\()|\b(?:" + "|".join(_TYPES) + r")\s*\.")
_NEEDED = frozenset({"del", "try", "set", "frozenset", "index"}) | _REWRITTEN | _NOT_THERE
"""Words whose presence calls for a closer look."""
PRELUDE = """
_gaps = []
def _turned(items=()):
    return set(list(items)[::-1])
def _delete(owner, key):
    if isinstance(owner, list) and key < 0:
        key = key + len(owner)
    if isinstance(owner, list) and (key < 0 or key >= len(owner)):
        raise IndexError('list assignment index out of range')
    if not isinstance(owner, (list, dict)):
        _gaps.append('del')
    owner.pop(key)
def _typed(value, kind):
    if not isinstance(value, kind):
        _gaps.append('a method of another type')
    return value
def _format_map(text, mapping):
    if type(mapping) is not dict:
        _gaps.append('format_map')
    return text.format(**mapping)
def _maketrans(first, second=None, third=None):
    if second is None:
        return {(ord(key) if isinstance(key, str) else key): value for key, value in first.items()}
    if len(first) != len(second):
        raise ValueError('the first two maketrans arguments must have equal length')
    table = {ord(first[i]): ord(second[i]) for i in range(len(first))}
    for sign in third or '':
        table[ord(sign)] = None
    return table
def _translate(text, table):
    if type(text) is not str or type(table) is not dict:
        _gaps.append('translate')
    found = []
    for sign in text:
        other = table.get(ord(sign), sign)
        if isinstance(other, int):
            other = chr(other)
        if other is not None:
            found.append(other)
    return ''.join(found)
def _difference_update(owner, *others):
    for other in others:
        for item in list(other):
            owner.discard(item)
def _intersection_update(owner, *others):
    for other in others:
        kept = set(other)
        for item in list(owner):
            if item not in kept:
                owner.remove(item)
def _symmetric_difference_update(owner, other):
    for item in set(other):
        if item in owner:
            owner.remove(item)
        else:
            owner.add(item)
def _encode(text, encoding='utf-8', errors='strict'):
    if type(text) is not str:
        _gaps.append('encode')
    if encoding.lower().replace('_', '-') in ('utf-8', 'utf8', 'ascii'):
        return text.encode(encoding, errors)
    kind, found = _host_encode(text, encoding, errors)
    if kind == 'unknown':
        raise LookupError(found)
    if kind == 'gap':
        _gaps.append(found)
    return found
def _decode(content, encoding='utf-8', errors='strict'):
    if type(content) is not bytes:
        _gaps.append('decode')
    if encoding.lower().replace('_', '-') in ('utf-8', 'utf8', 'ascii'):
        return content.decode(encoding, errors)
    kind, found = _host_decode(content, encoding, errors)
    if kind == 'unknown':
        raise LookupError(found)
    if kind == 'gap':
        _gaps.append(found)
    return found
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is run: the code, and the same with every set filled from the other end where sets take part."""

    source: str
    call: str = ""
    turned: str | None = None
    gapped: bool = False
    """Its value is a pair of gaps and value."""

    def asking(self, function: str) -> str:
        """The same code with a function of ours, `_plain`, applied to its value."""
        lines = self.source.rpartition("\n")
        if self.gapped:
            return f"{function}\n{lines[0]}\n(_gaps, _plain({lines[2]}[1]))"
        return f"{function}\n{lines[0]}\n_plain({self.call})"


def prepared(code: str, call: str) -> Prepared | Declined:
    """The code and the call in the sandbox's dialect. Raises SyntaxError where they are no Python."""
    source = f"{code}\n{call}"
    words = set(_WORD.findall(source))
    suspected = not words.isdisjoint(_UNSTEADY) or ("_" in source and any(_OURS.fullmatch(word) for word in words))
    if suspected and (_unsteady(ast.parse(code)) or _unsteady(ast.parse(call, mode="eval"))):
        return Declined("the code may depend on more than itself")
    if words.isdisjoint(_NEEDED) and "{" not in source and not _VALUE.search(source) and not _MARKS.search(call):
        return Prepared(f"{code}\n({call})", call)
    expression = ast.parse(call, mode="eval")
    tree = ast.parse(code)
    found = _Dialect(tree)
    tree.body.append(ast.Expr(ast.Tuple([ast.Name("_gaps", ast.Load()), expression.body], ast.Load())))
    tree = found.visit(tree)
    if found.fault:
        return Declined(found.fault)
    source = ast.unparse(ast.fix_missing_locations(tree))
    if not found.sets:
        return Prepared(_with_helpers(source), gapped=True)
    turned = ast.unparse(ast.fix_missing_locations(_Turned().visit(tree)))
    return Prepared(_with_helpers(source), turned=_with_helpers(turned), gapped=True)


_HELPERS = {part.partition("(")[0]: f"def {part}" for part in PRELUDE.split("\ndef ")[1:]}


def _with_helpers(source: str) -> str:
    """The source, led by the helpers that it calls; none of them calls another."""
    used = [text for name, text in _HELPERS.items() if f"{name}(" in source or (name == "_maketrans" and name in source)]
    return "\n".join(["_gaps = []", *used, source])


def _unsteady(tree: ast.AST) -> bool:
    """Whether a name in the code, not only a word in one of its texts, makes its result depend on more than the code.

    A name that the only function binds itself (`def f(id):`) is its own.
    """
    nodes = list(ast.walk(tree))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.Lambda)]
    own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    known = own if len(functions) == 1 else set()
    return any(_strange(node, known) for node in nodes)


def _strange(node: ast.AST, own: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return (node.id in _UNSTEADY and node.id not in own) or _OURS.fullmatch(node.id) is not None
    if isinstance(node, ast.Attribute):
        return _OURS.fullmatch(node.attr) is not None
    if isinstance(node, ast.arg):
        return _OURS.fullmatch(node.arg) is not None
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name in _UNSTEADY or _OURS.fullmatch(node.name) is not None
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] + ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
        return any(part in _UNSTEADY or _OURS.fullmatch(part) for name in names for part in name.split("."))
    return isinstance(node, ast.Yield | ast.YieldFrom | ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)


class _Dialect(ast.NodeTransformer):
    """Says in other words what the interpreter lacks."""

    def __init__(self, tree: ast.Module) -> None:
        self.fault = ""
        self.sets = 0
        nodes = list(ast.walk(tree))
        stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        stored |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        self._types = _TYPES.keys() - stored - functions
        self._reads: dict[str, list[int]] = {}
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._reads.setdefault(node.id, []).append(node.lineno)
        loops = (node for node in nodes if isinstance(node, ast.For | ast.While))
        self._loops = [(node.lineno, node.end_lineno or node.lineno) for node in loops]
        self._catches = any(isinstance(node, ast.Try) for node in nodes)
        if any(isinstance(node, ast.ClassDef) for node in nodes):
            self.fault = "the code defines classes"
        if stored & (_METHODS & vars(builtins).keys() | {"set", "frozenset", *_TYPES}):
            self._types = self._types - stored

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A method as a value becomes a function that calls it."""
        self.generic_visit(node)
        self._known(node.attr)
        if not isinstance(node.ctx, ast.Load):
            self.fault = self.fault or "the code sets an attribute"
            return node
        if isinstance(node.value, ast.Name) and node.value.id in _STANDARD:
            return node
        if isinstance(node.value, ast.Name) and node.value.id in self._types:
            if node.attr == "maketrans":
                return ast.Name("_maketrans", ast.Load())
            if node.attr in _OWN_CLASS:
                return node
            return _expression(f"lambda _o, *_a: {self._method('_o', node.attr, node.value.id)}")
        return ast.Call(_expression(f"lambda _o: lambda *_a: {self._method('_o', node.attr)}"), [node.value], [])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A method that is called stays one, except those that are said in other words."""
        function = node.func
        if isinstance(function, ast.Name) and function.id in {"set", "frozenset"}:
            self.sets += 1
        if not isinstance(function, ast.Attribute):
            self.generic_visit(node)
            return node
        self._known(function.attr)
        node.args = [self.visit(one) for one in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        owner = function.value
        if (
            isinstance(owner, ast.Name)
            and owner.id in self._types
            and function.attr not in _OWN_CLASS
            and function.attr != "maketrans"
        ):
            if not node.args or isinstance(node.args[0], ast.Starred):
                self.fault = self.fault or "a method is called without its object"
                return node
            kind = ast.Name(owner.id, ast.Load())
            owner = ast.Call(ast.Name("_typed", ast.Load()), [node.args.pop(0), kind], [])
        else:
            owner = self.visit(owner)
        if function.attr in _REWRITTEN:
            first = [] if function.attr == "maketrans" else [owner]
            return ast.Call(ast.Name(f"_{function.attr}", ast.Load()), [*first, *node.args], node.keywords)
        return ast.Call(ast.Attribute(owner, function.attr, ast.Load()), node.args, node.keywords)

    def visit_Delete(self, node: ast.Delete) -> ast.AST | list[ast.stmt]:
        """`del x[k]` takes out one item, `del x[a:b]` puts nothing in its place."""
        found: list[ast.stmt] = []
        for target in node.targets:
            self.generic_visit(target)
            if isinstance(target, ast.Name) and self._forgotten(target):
                found.append(ast.Pass())
                continue
            if not isinstance(target, ast.Subscript):
                self.fault = self.fault or "the code deletes a name that is used again"
                return node
            if isinstance(target.slice, ast.Slice):
                if target.slice.step is not None:
                    self.fault = self.fault or "the code deletes every n-th item"
                found.append(ast.Assign([ast.Subscript(target.value, target.slice, ast.Store())], ast.List([], ast.Load())))
            else:
                call = ast.Call(ast.Name("_delete", ast.Load()), [target.value, target.slice], [])
                found.append(ast.Expr(call))
        return found

    def visit_Set(self, node: ast.Set) -> ast.AST:
        """Sets are counted."""
        self.sets += 1
        return self.generic_visit(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        """Sets are counted."""
        self.sets += 1
        return self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """The wording of an exception may differ from Python's."""
        if node.name is not None and any(
            isinstance(one, ast.Name) and one.id == node.name for part in node.body for one in ast.walk(part)
        ):
            self.fault = self.fault or "the result may hold the wording of an exception"
        return self.generic_visit(node)

    def _forgotten(self, target: ast.Name) -> bool:
        """Whether a name that is deleted is never read afterwards, so that deleting it or not is the same."""
        last = max((place for place in self._reads.get(target.id, ())), default=0)
        return last < target.lineno and not any(first <= target.lineno <= end for first, end in self._loops)

    def _known(self, name: str) -> None:
        if name in _NOT_THERE:
            self.fault = self.fault or f"the sandbox has no {name}"
        if self._catches and name not in _METHODS:
            self.fault = self.fault or f"{name} may be missing, and the code catches exceptions"

    @staticmethod
    def _method(owner: str, name: str, kind: str = "") -> str:
        owner = f"_typed({owner}, {kind})" if kind else owner
        return f"_{name}({owner}, *_a)" if name in _REWRITTEN else f"{owner}.{name}(*_a)"


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class _Turned(ast.NodeTransformer):
    """Puts the elements into every set from the other end."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`set(x)` with x turned round."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in {"set", "frozenset"}:
            node.func = ast.Name("_turned", ast.Load())
        return node

    def visit_Set(self, node: ast.Set) -> ast.AST:
        """`{a, b}` with its elements turned round."""
        self.generic_visit(node)
        node.elts.reverse()
        return node

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        """`{f(x) for x in y}` with its elements turned round."""
        self.generic_visit(node)
        return ast.Call(ast.Name("_turned", ast.Load()), [ast.ListComp(node.elt, node.generators)], [])
