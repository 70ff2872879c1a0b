"""Whether two sources are the same program: what blanking may take away is taken from both."""

import ast


class _Essence(ast.NodeTransformer):
    """Reduces a tree to what the interpreter runs: no annotations, no bare strings, no `pass`."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        plain = ast.Assign(targets=[node.target], value=node.value)
        return self.generic_visit(ast.copy_location(plain, node))

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        if ast.unparse(node.targets[0]) in ("TYPE_CHECKING", "__all__"):
            return None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if ast.unparse(node.test) == "TYPE_CHECKING" and not node.orelse:
            return None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        return None


def essence(source: str) -> tuple[str, list[tuple[str, int]]]:
    """Return what a source runs, and the line of each statement and expression of it."""
    tree = _Essence().visit(ast.parse(source))
    lines = [
        (type(node).__name__, node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, (ast.stmt, ast.expr))
    ]
    return ast.dump(tree), lines
