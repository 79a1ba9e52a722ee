"""CloudWatch's metric math on data points: the part of it that alarms and dashboards mostly use.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html. The syntax is near enough to
Python's for Python's own parser. What is not known here is refused, never guessed.
"""

from __future__ import annotations

import ast
import functools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tap.errors import TapError

#: Data points: their values by the second at which their period begins. What is missing has no entry.
Points = Mapping[int, float]


class ExpressionError(TapError):
    """An expression with something in it that is not known here."""


#: What Python reads and CloudWatch doesn't: comments, powers as **, lower-case `and`, numbers such as 1_000 and 0x1f.
_PYTHONS: Final = r"#|\*\*|\b(and|or)\b|\b\d[\d.]*(?![eE])[A-Za-z_]"
_BINARY: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARED: Final[Mapping[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_LOGICAL: Final[Mapping[type[ast.boolop], Callable[[float, float], bool]]] = {
    ast.And: lambda left, right: bool(left and right),
    ast.Or: lambda left, right: bool(left or right),
}
_AGGREGATED: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "SUM": sum,
    "MAX": max,
    "MIN": min,
    "AVG": lambda values: sum(values) / len(values),
}
_OF_EACH: Final[Mapping[str, Callable[[float], float]]] = {
    "ABS": abs,
    "CEIL": lambda value: float(-(-value // 1)),
    "FLOOR": lambda value: float(value // 1),
}


def ids_in(expression: str) -> set[str]:
    """The ids of metrics and expressions that it uses; CloudWatch's begin with a lowercase letter."""
    without_texts = re.sub(r"\"[^\"]*\"|'[^']*'", "", expression)
    return set(re.findall(r"\b[a-z][A-Za-z0-9_]*\b", without_texts))


def evaluate(expression: str, series: Mapping[str, Points], times: Sequence[int], period: int) -> Points:
    """The expression's data points at these times, `period` seconds apart.

    `series` are the data points by id; of an id that is not there, the expression is refused.

    :raises ExpressionError: for what is not known here.
    """
    try:
        if re.search(_PYTHONS, re.sub(r"\"[^\"]*\"|'[^']*'", "", expression)):
            raise SyntaxError
        parsed = ast.parse(_in_python(expression), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        raise ExpressionError(f"the expression {_short(expression)} can't be read here") from error
    try:
        value = _Evaluation(expression, series, times, period).value(parsed)
    except RecursionError as error:
        raise ExpressionError(f"the expression {_short(expression)} is too deep to be read here") from error
    except (ArithmeticError, TypeError) as error:  # the latter for what is no real number
        raise ExpressionError(f"the expression {expression!r} can't be computed: {error}") from error
    if isinstance(value, list):
        raise ExpressionError(f"the expression {expression!r} gives several series")
    return dict.fromkeys(times, float(value)) if isinstance(value, int | float) else value


def _in_python(expression: str) -> str:
    """The expression with Python's operators."""
    for pattern, operator_ in ((r"\^", "**"), (r"\bAND\b|&&", " and "), (r"\bOR\b|\|\|", " or ")):
        expression = re.sub(pattern, operator_, expression)
    return " ".join(expression.split())


def _short(expression: str) -> str:
    return repr(expression if len(expression) <= 200 else f"{expression[:199]}…")


class _Evaluation:
    """One expression. A value is a number, a series, or a list of series."""

    def __init__(self, expression: str, series: Mapping[str, Points], times: Sequence[int], period: int) -> None:
        self._expression = expression
        self._series = series
        self._times = times
        self._period = period

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):  # True is an int
            return node.value
        if isinstance(node, ast.Name):
            if node.id not in self._series:
                raise self._unknown(node.id)
            return self._series[node.id]
        if isinstance(node, ast.List):
            return [self.value(one) for one in node.elts]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return _both(operator.sub, 0, self.value(node.operand))
        if isinstance(node, ast.BinOp) and (combine := _BINARY.get(type(node.op))):
            return _both(combine, self.value(node.left), self.value(node.right))
        if isinstance(node, ast.BoolOp):
            return functools.reduce(functools.partial(_both, _LOGICAL[type(node.op)]), map(self.value, node.values))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and (compare := _COMPARED.get(type(node.ops[0]))):
            return _both(compare, self.value(node.left), self.value(node.comparators[0]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._call(node.func.id.upper(), node.args)
        raise self._unknown(ast.unparse(node))

    def _call(self, name: str, arguments: Sequence[ast.expr]) -> Any:
        if name == "METRICS" and not arguments:
            return list(self._series.values())
        if name == "PERIOD" and len(arguments) == 1:
            return self._period
        if name == "FILL" and len(arguments) == 2:
            return self._filled(*arguments)
        if name == "IF" and len(arguments) == 3:
            return self._chosen(*(self.value(one) for one in arguments))
        if name in _AGGREGATED and len(arguments) == 1:
            return self._aggregated(name, self.value(arguments[0]))
        if name in _OF_EACH and len(arguments) == 1:
            return _each(_OF_EACH[name], self.value(arguments[0]))
        raise self._unknown(f"{name}()")

    def _filled(self, of: ast.expr, by: ast.expr) -> Any:
        series = self.value(of)
        if isinstance(series, list):
            return [self._fill(one, by) for one in series]
        return self._fill(series, by)

    def _fill(self, series: Any, by: ast.expr) -> Any:
        if not isinstance(series, Mapping):
            return series
        if isinstance(by, ast.Name) and by.id == "REPEAT":
            filled, last = {}, None
            for time in self._times:
                last = series.get(time, last)
                if last is not None:
                    filled[time] = last
            return filled
        value = self.value(by)
        if not isinstance(value, int | float):
            raise self._unknown(ast.unparse(by))
        return {time: series.get(time, float(value)) for time in self._times}

    def _chosen(self, condition: Any, then: Any, otherwise: Any) -> Any:
        if not isinstance(condition, Mapping):
            return then if condition else otherwise
        found = {}
        for time, holds in condition.items():
            branch = then if holds else otherwise
            value = branch.get(time) if isinstance(branch, Mapping) else branch
            if value is not None:
                found[time] = value
        return found

    def _aggregated(self, name: str, value: Any) -> Any:
        combine = _AGGREGATED[name]
        if isinstance(value, Mapping):  # of one series: a number, at all times
            return combine(list(value.values())) if value else {}
        if not isinstance(value, list):
            return value
        at: dict[int, list[float]] = {}
        for series in value:
            for time, one in series.items():
                at.setdefault(time, []).append(one)
        return {time: combine(values) for time, values in sorted(at.items())}

    def _unknown(self, part: str) -> ExpressionError:
        return ExpressionError(f"the expression {self._expression!r} uses {part}, which is not known here")


def _both(combine: Callable[[float, float], float], left: Any, right: Any) -> Any:
    """Two series meet where both have a point; what can't be computed (a division by zero) is no point."""
    if isinstance(left, list) or isinstance(right, list):
        many = left if isinstance(left, list) else right
        return [_both(combine, one, right) if many is left else _both(combine, left, one) for one in many]
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        pairs = {time: (value, right[time]) for time, value in left.items() if time in right}
    elif isinstance(left, Mapping):
        pairs = {time: (value, right) for time, value in left.items()}
    elif isinstance(right, Mapping):
        pairs = {time: (left, value) for time, value in right.items()}
    else:
        return float(combine(left, right))
    return {
        time: float(combine(*pair)) for time, pair in pairs.items() if not (combine is operator.truediv and not pair[1])
    }


def _each(change: Callable[[float], float], value: Any) -> Any:
    if isinstance(value, list):
        return [_each(change, one) for one in value]
    return {time: change(one) for time, one in value.items()} if isinstance(value, Mapping) else change(value)
