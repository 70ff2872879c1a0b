"""The words of `remotesvc call` as arguments with names: methods of services take no others."""

from inspect import Parameter, Signature

from .arguments import Arguments
from .callee import Callee
from .service_source import call_parameter
from .signature import signature_of
from .usage import UsageProblem

__all__ = ["name_arguments"]


def name_arguments(callee: Callee, arguments: Arguments) -> dict[str, object]:
    """Return all arguments by name.

    UsageProblem for those that the method does not take, and for one without a name where the
    `def`, which has the names, cannot be read here.
    """
    if callee.function is None:
        if arguments.args:
            raise UsageProblem(
                f"{callee}: write key=value for {arguments.args[0]!r}: "
                f"the names of its arguments cannot be read here"
            )
        return arguments.kwargs
    signature = _without(
        signature_of(callee.function, is_bound=callee.is_bound), call_parameter(callee.function)
    )
    try:
        bound = signature.bind(*arguments.args, **arguments.kwargs)
    except TypeError as error:
        name = callee.target.qualname
        raise UsageProblem(f"{callee}: {error}; its signature is {name}{signature}") from error
    return _flat(signature, dict(bound.arguments))


def _without(signature: Signature, name: str | None) -> Signature:
    kept = [one for one in signature.parameters.values() if one.name != name]
    return signature.replace(parameters=kept)


def _flat(signature: Signature, bound: dict[str, object]) -> dict[str, object]:
    """Put what **kwargs takes beside the others."""
    for parameter in signature.parameters.values():
        rest = bound.get(parameter.name)
        if parameter.kind is Parameter.VAR_KEYWORD and isinstance(rest, dict):
            del bound[parameter.name]
            bound.update(rest)
    return bound
