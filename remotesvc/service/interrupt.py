"""Interrupt: an exception in another thread, as far as Python can.

PyThreadState_SetAsyncExc (Python/C API, "Thread State and the Global Interpreter Lock") has it
raised between two bytecodes; what waits in C, in `sleep` or for a lock, sees it afterwards. An
interpreter without ctypes cannot do even that.
"""

__all__ = ["interrupt", "unburden"]


def interrupt(ident: "int") -> "bool":
    """Have KeyboardInterrupt raised in a thread; tell whether that is possible."""
    return _set(ident, KeyboardInterrupt)


def unburden(ident: "int") -> "None":
    """Take back an exception that was not raised yet."""
    _set(ident, None)


def _set(ident: "int", kind: "object") -> "bool":
    try:
        import ctypes
    except ImportError:
        return False
    argument = None if kind is None else ctypes.py_object(kind)
    return bool(ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), argument))
