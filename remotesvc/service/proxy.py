"""Proxy: the exposed methods of a service, to be called as if it were here."""

from .arguments import name_of
from .base import Service
from .expose import find_method, methods_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Type

    from .expose import Method

    Verb = Callable[..., Any]

__all__ = ["Proxy"]


class Proxy:
    """Calls a service over there; has its exposed methods, and no others.

    Names and arguments are checked before anything is sent, as they will be over there. verbs:
    how to call. where: the name of the context, for repr(). It keeps nothing open.
    """

    __slots__ = ("_cls", "_methods", "_verbs", "_where")

    def __init__(self, verbs: "Any", cls: "Type[Service]", where: "str") -> "None":
        if not (isinstance(cls, type) and issubclass(cls, Service)):
            raise TypeError("Proxy: wanted is a subclass of Service, got %r" % (cls,))
        self._verbs = verbs
        self._cls = cls
        self._where = where
        self._methods: "Dict[str, Verb]" = {}

    def __getattr__(self, name: "str") -> "Verb":
        if name[:1] == "_":
            raise AttributeError(name)
        method = self._methods.get(name)
        if method is None:
            method = self._methods[name] = _stand_in(self._verbs, self._cls, self._find(name))
        return method

    def __dir__(self) -> "List[str]":
        return sorted(set(object.__dir__(self)) | set(methods_of(self._cls)))

    def __repr__(self) -> "str":
        return "<Service %s on %s>" % (self._cls.name(), self._where)

    def _find(self, name: "str") -> "Method":
        method = find_method(self._cls, name)
        if method is not None:
            return method
        cls = self._cls.__name__
        exposed = ", ".join(sorted(methods_of(self._cls))) or "none"
        if hasattr(self._cls, name):
            text = "%s.%s is not exposed; decorate it with @expose(policy=...). Exposed are: %s"
        else:
            text = "%s has no method %s; exposed are: %s"
        raise AttributeError(text % (cls, name, exposed))


class _Shown:
    """What inspect.signature() finds behind a stand-in: made only when somebody looks."""

    def __init__(self, method: "Method") -> "None":
        self._method = method

    @property
    def __signature__(self) -> "Any":
        import inspect

        signature = inspect.signature(self._method.function)
        parameters = list(signature.parameters.values())[1:]
        own = [one for one in parameters if one.name != self._method.call_parameter]
        return signature.replace(parameters=own)


def _stand_in(verbs: "Any", cls: "Type[Service]", method: "Method") -> "Verb":
    """Return the function that calls one method over there."""
    name = method.name
    arguments = method.arguments
    verb = verbs.call_service_no_reply if method.is_no_reply else verbs.call_service

    # The arguments may be called anything, hence no named parameter.
    def call(*args: "Any", **kwargs: "Any") -> "Any":
        bound = arguments.bind(args, kwargs)
        arguments.check(bound)
        return verb(cls, name, **bound)

    call.__name__ = name
    call.__qualname__ = name_of(method.function)
    call.__doc__ = method.function.__doc__
    call.__module__ = method.function.__module__
    call.__wrapped__ = _Shown(method)  # type: ignore[attr-defined]
    return call
